import { FileError, InputFile } from '@npu-llama/format';
import { harmlessJson } from '@npu-llama/format/cli';
import * as v from 'valibot';
import { refuseLargeJson } from '../json-size.js';
import { showText } from '../text/index.js';
import { REPORT_SCHEMA_VERSION, reportSchema, type VerifyReport } from './schema.js';
import { printable } from './words.js';

/** A report of 50 prompts of 1024 positions takes 40 MB; JavaScript's strings end at 512 MB. */
export const MAX_REPORT_BYTES = 256 * 1024 * 1024;

/** The document as text, one line, safe on a terminal. JSON has no NaN and no infinities: they are text. */
export function encodeReport(report: VerifyReport): string {
  const json = JSON.stringify(report, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  return harmlessJson(json);
}

/**
 * Reads a document that --json wrote, by this or another machine.
 * @throws FileError when it cannot be read, is too large, or is no such document: names the field
 */
export function readReport(path: string): VerifyReport {
  const document = parseJson(path, readText(path));
  requireVersion(path, document);
  const result = v.safeParse(reportSchema, document, { abortEarly: true });
  if (!result.success) throw fieldError(path, result.issues[0]);
  requireWhole(path, result.output);
  return result.output;
}

function readText(path: string): string {
  using file = InputFile.open(path);
  if (file.bytes > MAX_REPORT_BYTES) {
    throw new FileError(path, 'is too large for a report', {
      got: `${file.bytes} bytes`,
      wanted: `at most ${MAX_REPORT_BYTES}`,
    });
  }
  const bytes = file.readUpTo(file.bytes, 0);
  refuseLargeJson(path, bytes, 'report');
  return new TextDecoder().decode(bytes);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 quotes the text that it stumbled over, whatever that is.
    const reason = error instanceof Error ? printable(error.message) : String(error);
    throw new FileError(path, `is not JSON: ${reason}`, {
      next: 'give a file that verify-npu --json wrote',
      cause: error,
    });
  }
}

/** Looked at first: every field of another version may be wrong. */
function requireVersion(path: string, document: unknown): void {
  const found =
    typeof document === 'object' && document !== null && 'schemaVersion' in document
      ? document.schemaVersion
      : undefined;
  if (found === REPORT_SCHEMA_VERSION) return;
  // A suite and a golden record have a schemaVersion of their own.
  if (isOther(document)) {
    throw new FileError(path, 'is no report of verify-npu', {
      got: 'a suite or a golden record',
      next: 'give a file that verify-npu -o wrote',
    });
  }
  throw new FileError(
    path,
    found === undefined ? 'is no report of verify-npu' : 'is a report of another version',
    {
      got: found === undefined ? 'no schemaVersion' : `schemaVersion ${shown(found)}`,
      wanted: String(REPORT_SCHEMA_VERSION),
      next: 'make it with this version of verify-npu',
    },
  );
}

/** What has prompts, but no verdict. */
function isOther(document: unknown): boolean {
  return (
    typeof document === 'object' && document !== null && 'prompts' in document && !('verdict' in document)
  );
}

function fieldError(path: string, issue: v.BaseIssue<unknown>): FileError {
  const field = (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('');
  return new FileError(path, `${printable(field.replace(/^\./, '')) || 'the document'} is wrong`, {
    got: shown(issue.input),
    wanted: printable(issue.expected ?? issue.message),
  });
}

/** What a schema cannot say: the runs that everything belongs to are there, and began at a time that there is. */
function requireWhole(path: string, report: VerifyReport): void {
  report.runs.forEach(({ startedAt }, i) => {
    if (!Number.isNaN(Date.parse(startedAt))) return;
    throw new FileError(path, `runs[${i}].startedAt is wrong`, {
      got: shown(startedAt),
      wanted: 'a date and time',
    });
  });
  for (const part of ['prompts', 'matrices', 'diagnoses', 'stability', 'notes'] as const) {
    report[part].forEach(({ run }, i) => {
      if (run < report.runs.length) return;
      throw new FileError(path, `${part}[${i}].run is wrong`, {
        got: String(run),
        wanted: `an index into ${report.runs.length} runs`,
      });
    });
  }
}

/** A value of a file for a message: short, and nothing that disturbs a terminal. */
function shown(value: unknown): string {
  if (typeof value === 'string') return showText(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (value === undefined) return 'nothing';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
