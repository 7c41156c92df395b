import { UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { FFI_NAMES } from '../ffi/adapter.js';
import { VERSION } from '../version.js';

/** npu-doctor's command line, checked. */
export interface DoctorCommandOptions {
  readonly model: string | undefined;
  readonly device: 'rknpu' | 'sim';
  readonly devicePath: string | undefined;
  readonly ffi: string | undefined;
  readonly json: boolean;
}

/** @returns undefined where --help or --version was asked for, and answered */
export async function parseDoctorOptions(argv: readonly string[]): Promise<DoctorCommandOptions | undefined> {
  let answered = false;
  const parser = yargs()
    .scriptName('npu-doctor')
    // A usage each: yargs cuts one that is longer than the width, line breaks counted, in the middle of a word.
    .usage('$0 [model.npu] [options]\n')
    .usage('Checks what a board needs to run models on its NPU, and what to do about it.')
    .demandCommand(0, 1, undefined, 'more than one model named')
    .option('device', {
      choices: ['rknpu', 'sim'] as const,
      default: 'rknpu' as const,
      describe: "this board's NPU, or the simulated one",
      requiresArg: true,
    })
    .option('device-path', {
      type: 'string',
      describe: 'device node of the vendor driver (default: found)',
      requiresArg: true,
    })
    .option('ffi', {
      choices: FFI_NAMES,
      describe: 'foreign function interface (default: NPU_FFI, else koffi)',
      requiresArg: true,
    })
    .option('json', { type: 'boolean', default: false, describe: 'print one JSON object, not text' })
    .example('$0 model.npu', 'will this model fit, too?')
    .strictOptions()
    .parserConfiguration({ 'parse-positional-numbers': false })
    .locale('en')
    .version(VERSION)
    .wrap(helpWidth())
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  let parsed: Awaited<ReturnType<typeof parser.parse>>;
  try {
    parsed = await parser.parse([...argv], {}, (_error, _args, output) => {
      if (output === '') return;
      answered = true;
      process.stdout.write(`${output}\n`);
    });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(text.replaceAll(/\s*\n\s*/g, ' '), { next: 'see npu-doctor --help', cause });
  }
  if (answered) return undefined;
  refuseRepeated(parsed, argv);
  if (parsed.device === 'sim' && parsed.devicePath !== undefined) {
    throw new UsageError('the simulated device has no path', { next: 'leave --device-path or --device out' });
  }
  const [model] = parsed._;
  return {
    model: model === undefined ? undefined : String(model),
    device: parsed.device,
    devicePath: parsed.devicePath,
    ffi: parsed.ffi,
    json: parsed.json,
  };
}
