import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint } from '@npu-llama/converter';
import { ExitStatus, fileErrorFrom, UsageError } from '@npu-llama/format';
import { helpWidth, refuseRepeated, requireFileName, runCommand } from '@npu-llama/format/cli';
import yargs from 'yargs';
import { isGood, memoryPlot, type SoakOptions, type SoakRun, soak } from '../index.js';

const TALES = fileURLToPath(new URL('../../../../fixtures/tales/', import.meta.url));

function parse(argv: readonly string[]) {
  // A usage each line: yargs cuts longer ones in the middle of a word.
  return yargs([...argv])
    .scriptName('soak')
    .version(false)
    .usage('$0 [options]\n')
    .usage('Long runs on the simulated device: the same tokens and logits as a single run,')
    .usage('memory flat. Under a minute on a quiet machine.')
    .option('loads', { type: 'number', requiresArg: true, default: 2000, describe: 'loads and closes' })
    .option('tokens', {
      type: 'number',
      requiresArg: true,
      default: 20_000,
      describe: 'tokens of each other run',
    })
    .option('json', { type: 'string', requiresArg: true, describe: 'write every sample here' })
    .option('plot', { type: 'string', requiresArg: true, describe: 'draw the memory here, as SVG' })
    .strict()
    .locale('en')
    .wrap(helpWidth())
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw new UsageError(message ?? error?.message ?? '', { next: 'see --help' });
    })
    .parseSync();
}

/** `pnpm soak`. @returns 1 when something differed or grew */
async function main(argv: readonly string[]): Promise<number> {
  const options = parse(argv);
  if (options['help'] === true) return ExitStatus.fine;
  refuseRepeated(options, argv);
  const { loads, tokens, json, plot } = options;
  requireFileName('--json', json);
  requireFileName('--plot', plot);
  for (const [name, value] of Object.entries({ loads, tokens })) {
    if (!Number.isInteger(value) || value < 20) {
      throw new UsageError(`impossible --${name}`, {
        got: String(value),
        wanted: 'a whole number from 20 on',
      });
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'npu-soak-'));
  try {
    const model = join(folder, 'tales.npu');
    await convertCheckpoint({
      source: join(TALES, 'tales.bin'),
      tokenizer: join(TALES, 'tokenizer.bin'),
      target: model,
    });
    const runs = await soak({ model, loads, tokens, onRun: report, onProgress: progress });
    if (json !== undefined) write(json, `${JSON.stringify({ runs }, null, 1)}\n`);
    if (plot !== undefined) write(plot, memoryPlot(runs));
    return runs.every(isGood) ? ExitStatus.fine : ExitStatus.npuWrong;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw fileErrorFrom(error, path, 'write');
  }
}

/** A line on a terminal, in the place of the one before. */
const progress: NonNullable<SoakOptions['onProgress']> = ({ name, unit, done }, amount) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} of ${amount} ${unit}\u001b[K`);
};

function report({ name, done, unit, isSame, growth }: SoakRun): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const result = isSame ? 'the same results as a single run' : 'OTHER RESULTS than a single run';
  process.stdout.write(`${name}: ${done} ${unit}, ${result}\n`);
  for (const { measure, first, last, allowed, isFlat } of growth) {
    const isBytes = measure !== 'liveBuffers' && measure !== 'liveMappings' && measure !== 'openFiles';
    const shown = (value: number): string =>
      isBytes ? `${(value / 2 ** 20).toFixed(2)} MiB` : String(value);
    const bound = `at most ${shown(allowed)} more`;
    process.stdout.write(
      `  ${measure.padEnd(16)} ${shown(first)} in the first third, ${shown(last)} in the last: ${isFlat ? 'flat' : 'GREW'} (${bound})\n`,
    );
  }
}

process.exitCode = await runCommand('soak', () => main(process.argv.slice(2)));
