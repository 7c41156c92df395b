import { existsSync } from 'node:fs';
import { ExitStatus } from '@npu-llama/format';
import { predictBoard } from '../board/predictions.js';
import { boardTables } from '../docs/markdown.js';
import { writeDocs } from '../docs/write-docs.js';
import { PART_NAMES } from '../figures/index.js';
import { measure } from '../measure.js';
import type { Results } from '../results.js';
import { mergeResults, readResults, writeResults } from '../results-file.js';
import { formatTable, tableRows } from '../table.js';
import { type BenchOptions, parseOptions } from './options.js';

/**
 * The command: measures, prints, writes what was asked for. Goals that are missed are shown; they do not fail it, since what
 * a machine reaches is not for a test to say.
 */
export async function runBench(argv: string[], signal: AbortSignal): Promise<ExitStatus> {
  const options = await parseOptions(argv);
  if (options === undefined) return ExitStatus.fine;
  const results = options.from === undefined ? await measureAnew(options, signal) : readResults(options.from);
  process.stdout.write(formatTable(results.sections.flatMap(tableRows)));
  const predictions = predictBoard(results);
  if (predictions !== undefined)
    process.stdout.write(`\nA board, modelled:\n\n${boardTables(predictions)}\n`);
  if (options.json !== undefined) writeResults(options.json, results);
  if (options.writeDocs) writeDocs(results);
  return ExitStatus.fine;
}

async function measureAnew(options: BenchOptions, signal: AbortSignal): Promise<Results> {
  const { json, update } = options;
  // Read first: a bad file should not cost minutes.
  const earlier = update && json !== undefined && existsSync(json) ? readResults(json) : undefined;
  const progress = (text: string): void => void process.stderr.write(`${text}\n`);
  const results = await measure(options, signal, progress);
  return earlier === undefined ? results : mergeResults(earlier, results, PART_NAMES);
}
