import { FileError, fileErrorFrom, InputFile, OutputFile } from '@npu-llama/format';
import * as v from 'valibot';
import { type Results, resultsSchema } from './results.js';

/** A published result has some hundred kB. */
const MAX_RESULTS_BYTES = 16 << 20;

/** @throws FileError when it cannot be read, is too large, or is no result of the bench's */
export function readResults(path: string): Results {
  let document: unknown;
  try {
    document = JSON.parse(readText(path));
  } catch (error) {
    throw fileErrorFrom(error, path, 'read');
  }
  const parsed = v.safeParse(resultsSchema, document);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new FileError(path, `is no result of the bench: ${v.getDotPath(issue) ?? 'it'} will not do`, {
    got: issue.received,
    wanted: issue.expected ?? issue.message,
    next: 'measure again (pnpm bench --json)',
  });
}

function readText(path: string): string {
  using file = InputFile.open(path);
  if (file.bytes > MAX_RESULTS_BYTES) {
    throw new FileError(path, 'is too large for a result of the bench', {
      got: `${file.bytes} bytes`,
      wanted: `at most ${MAX_RESULTS_BYTES}`,
    });
  }
  return new TextDecoder().decode(file.readUpTo(file.bytes, 0));
}

/** Writes a file whole, replacing one that is there. @throws FileError */
export function writeText(path: string, text: string): void {
  using file = OutputFile.create(path, 'replace');
  file.write(Buffer.from(text), 0);
  file.commit();
}

/** @throws FileError when it cannot be written */
export function writeResults(path: string, results: Results): void {
  writeText(path, `${JSON.stringify(v.parse(resultsSchema, results), roundedNumber, 2)}\n`);
}

/** Six digits are more than any measurement has. */
function roundedNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Number(value.toPrecision(6));
}

/** Later sections take the place of earlier ones of the same part, in the order of the parts. */
export function mergeResults(earlier: Results, later: Results, order: readonly string[]): Results {
  const replaced = new Set(later.sections.map(({ part }) => part));
  const sections = [...earlier.sections.filter(({ part }) => !replaced.has(part)), ...later.sections];
  sections.sort((a, b) => order.indexOf(a.part) - order.indexOf(b.part));
  return { ...later, sections };
}
