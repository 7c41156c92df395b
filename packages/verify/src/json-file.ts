import { createHash } from 'node:crypto';
import { FileError, InputFile } from '@npu-llama/format';
import * as v from 'valibot';
import { refuseLargeJson } from './json-size.js';

export interface ReadJsonOptions {
  /** A file beyond this is refused before it is read. */
  readonly maxBytes: number;
  /** What the file should be, for messages: `suite`. */
  readonly what: string;
}

/**
 * Reads a JSON file that somebody sent: bounded by its size, then by the schema.
 * @returns what the schema makes of it, and the SHA-256 of its bytes
 * @throws FileError when it cannot be read, is no JSON, or a field will not do: the message names the field
 */
export function readJsonFile<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  { maxBytes, what }: ReadJsonOptions,
): { readonly value: v.InferOutput<Schema>; readonly sha256: string } {
  const bytes = readBounded(path, maxBytes, what);
  const parsed = v.safeParse(schema, parseJson(bytes, path, what));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue);
    // valibot expects the key itself of an object that lacks it.
    const key = where?.split('.').at(-1);
    if (issue.received === 'undefined' && issue.expected === JSON.stringify(key)) {
      throw new FileError(path, `is no ${what}: ${where} is missing`);
    }
    throw new FileError(path, `is no ${what}${where === null ? '' : `: ${where} will not do`}`, {
      got: issue.received,
      wanted: issue.expected ?? issue.message,
    });
  }
  return { value: parsed.output, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function readBounded(path: string, maxBytes: number, what: string): Uint8Array {
  using file = InputFile.open(path);
  if (file.bytes > maxBytes) {
    throw new FileError(path, `is too large for a ${what}`, {
      got: `${file.bytes} bytes`,
      wanted: `at most ${maxBytes}`,
    });
  }
  const bytes = new Uint8Array(file.bytes);
  file.read(bytes, 0);
  refuseLargeJson(path, bytes, what);
  return bytes;
}

function parseJson(bytes: Uint8Array, path: string, what: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FileError(path, `is no ${what}: not UTF-8 text`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FileError(path, `is no ${what}: no JSON`, {
      got: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}
