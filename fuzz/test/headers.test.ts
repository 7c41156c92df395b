import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CheckpointFile, encodeTokenizer, FileError, NpuFile, parseTokenizer } from '@npu-llama/format';
import fc from 'fast-check';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'npu-headers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a reader; undefined when it refused the file as it should. */
function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return undefined;
  }
}

const field = fc.oneof(
  fc.integer(),
  fc.integer({ min: -4, max: 64 }),
  fc.constantFrom(0x7fffffff, -0x80000000),
);

describe('headers of any content', () => {
  test('seven numbers and any bytes are a checkpoint only when the size is just what they say', () => {
    const path = join(folder, 'any.bin');
    const property = fc.property(
      fc.array(field, { minLength: 7, maxLength: 7 }),
      fc.uint8Array(),
      (numbers, rest) => {
        writeFileSync(path, Buffer.concat([Buffer.from(Int32Array.from(numbers).buffer), rest]));
        const layout = refusedOr(() => {
          using file = CheckpointFile.open(path);
          return file.layout;
        });
        if (layout !== undefined) expect(layout.fileBytes).toBe(28 + rest.length);
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test('a header of version 1 or 2 too', () => {
    const path = join(folder, 'versioned.bin');
    const header = fc.tuple(
      fc.constantFrom(1, 2, 3),
      fc.array(field, { minLength: 7, maxLength: 7 }),
      fc.uint8Array({ maxLength: 300 }),
    );
    const property = fc.property(header, ([version, numbers, rest]) => {
      writeFileSync(
        path,
        Buffer.concat([Buffer.from(Int32Array.from([0x616b3432, version, ...numbers]).buffer), rest]),
      );
      refusedOr(() => CheckpointFile.open(path).close());
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test('any JSON is no .npu file', () => {
    const path = join(folder, 'any.npu');
    const property = fc.property(
      fc.json(),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.boolean(),
      (json, length, honest) => {
        const text = Buffer.from(json);
        const prefix = Buffer.alloc(8);
        prefix.writeBigUInt64LE(honest ? BigInt(text.length) : length);
        writeFileSync(path, Buffer.concat([prefix, text]));
        expect(refusedOr(() => NpuFile.open(path))).toBeUndefined();
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test('any bytes are a tokenizer only when they are written again as they were', () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.integer({ min: 1, max: 6 }),
      (bytes, vocabSize) => {
        const vocabulary = refusedOr(() => parseTokenizer(bytes, vocabSize, 'any'));
        if (vocabulary !== undefined)
          expect(Buffer.from(encodeTokenizer(vocabulary))).toEqual(Buffer.from(bytes));
      },
    );
    fc.assert(property, { numRuns: 5000 });
  });
});
