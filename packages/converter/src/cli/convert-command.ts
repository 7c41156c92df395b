import { ExitStatus, findLeftovers, UsageError } from '@npu-llama/format';
import { jsonDocument, requireFileName } from '@npu-llama/format/cli';
import { type ConvertOptions, convertCheckpoint } from '../convert.js';
import { describeConversion, describeLeftovers, describeWarnings } from './conversion-text.js';
import { progressBar } from './progress-bar.js';

export interface ConvertArguments {
  readonly checkpoint: string;
  readonly output: string;
  readonly tokenizer: string | undefined;
  readonly force: boolean;
  readonly saturate: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * Converts a checkpoint.
 * @param signal aborts; nothing is left behind then
 */
export async function convertCommand(options: ConvertArguments, signal: AbortSignal): Promise<ExitStatus> {
  const { checkpoint, output, tokenizer, json, quiet } = options;
  for (const [name, value] of Object.entries({ checkpoint, output, tokenizer })) {
    if (value === '') throw new UsageError(`the ${name}'s file name is empty`);
  }
  requireFileName('-o', output);
  const bar = progressBar(quiet || json ? 'never' : 'on a terminal');
  const request: ConvertOptions = {
    source: checkpoint,
    target: output,
    ...(tokenizer === undefined ? {} : { tokenizer }),
    overflow: options.saturate ? 'saturate' : 'error',
    existing: options.force ? 'replace' : 'refuse',
    onStart: needs => {
      if (quiet) return;
      process.stderr.write(describeWarnings(output, needs) + describeLeftovers(findLeftovers(output)));
    },
    onProgress: ({ writtenBytes, totalBytes }) => bar.show(writtenBytes, totalBytes),
    signal,
  };
  try {
    const report = await convertCheckpoint(request);
    bar.stop();
    if (json) process.stdout.write(jsonDocument(report));
    else if (!quiet) process.stdout.write(describeConversion(report));
    return ExitStatus.fine;
  } catch (error) {
    bar.stop();
    if (signal.aborted) process.stderr.write('convert-weights: interrupted; nothing was written\n');
    throw error;
  }
}
