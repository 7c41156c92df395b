import { randomFillSync } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  crc32,
  encodeNpuHeader,
  FileError,
  formatChecksum,
  type ModelConfig,
  NpuFile,
  npuTensors,
  UsageError,
} from '../src/index.js';
import { SMALL, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const CHUNK = 2 ** 20;
/** The classifier takes six chunks, the last of them short; everything else less than one. */
const CONFIG: ModelConfig = { ...SMALL, vocabSize: 82_000 };
const tensors = npuTensors(CONFIG, true, 0);
const contents = new Map<string, Uint8Array>();
let whole: Buffer;
let dataOffset = 0;

beforeAll(() => {
  for (const { name, bytes } of tensors) contents.set(name, randomFillSync(new Uint8Array(bytes)));
  const checksums = new Map([...contents].map(([name, bytes]) => [name, formatChecksum(crc32(bytes))]));
  const description = {
    config: CONFIG,
    sharedClassifier: true,
    source: { name: 'x.bin', sha256: '0'.repeat(64), version: 0 },
    converter: '0.0.0',
    saturated: 0,
    tokenizerBytes: 0,
  } as const;
  const header = encodeNpuHeader(description, checksums);
  dataOffset = header.length;
  whole = Buffer.concat([header, ...contents.values()]);
});

const open = (bytes: Uint8Array = whole): NpuFile => NpuFile.open(folder.write('x.npu', bytes));
const targets = (): { name: string; into: { bytes: Uint8Array } }[] =>
  tensors.map(({ name, bytes }) => ({ name, into: { bytes: new Uint8Array(bytes) } }));
const classifierOffset = (): number => tensors.find(({ name }) => name === 'classifier')!.offset;

async function rejectionOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('nothing was thrown');
    },
    error => error as Error,
  );
}

/** Memory for the classifier that does something whenever it is asked for; the first time is the check of its size. */
function watched(onChunk: (chunk: number) => void): { name: string; into: { readonly bytes: Uint8Array } } {
  const bytes = new Uint8Array(contents.get('classifier')!.length);
  let asked = 0;
  return {
    name: 'classifier',
    into: {
      get bytes() {
        if (asked > 0) onChunk(asked);
        asked++;
        return bytes;
      },
    },
  };
}

describe('loadTensors', () => {
  test('puts every tensor where it is to go, in any order', async () => {
    expect(contents.get('classifier')!.length).toBeGreaterThan(5 * CHUNK);
    using file = open();
    for (const wanted of [targets(), targets().reverse()]) {
      const told: string[] = [];
      await file.loadTensors(wanted, { onTensor: ({ name }) => told.push(name) });
      expect(told).toEqual(wanted.map(({ name }) => name));
      for (const { name, into } of wanted) {
        expect(Buffer.compare(into.bytes, contents.get(name)!)).toBe(0);
      }
    }
    await file.loadTensors([]);
  });

  test.each([0, CHUNK - 1, CHUNK, 3 * CHUNK + 5, 5 * CHUNK + 1])(
    'finds a bit flipped at byte %i of the classifier, and has told of nothing from there on',
    async at => {
      const bytes = Buffer.from(whole);
      bytes[dataOffset + classifierOffset() + at]! ^= 4;
      using file = open(bytes);
      const told: string[] = [];
      const error = await rejectionOf(
        file.loadTensors(targets(), { onTensor: ({ name }) => told.push(name) }),
      );
      expect(error).toBeInstanceOf(FileError);
      expect(error.message).toMatch(/x\.npu: tensor classifier is damaged: got crc32:.*, wanted crc32:/);
      expect(told).toEqual(tensors.slice(0, 8).map(({ name }) => name));
      const wanted = targets();
      await file.loadTensors(wanted, { verifyChecksum: false });
      expect(wanted[8]!.into.bytes[at]).toBe(contents.get('classifier')![at]! ^ 4);
    },
  );

  test('says where a file ends that is shortened meanwhile, and leaves no failed read to nobody', async () => {
    using file = open();
    truncateSync(file.path, dataOffset + classifierOffset() + CHUNK + 100);
    const error = await rejectionOf(file.loadTensors(targets()));
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toContain('ended while being read');
  });

  test('ends with the reason of a signal, before the next chunk', async () => {
    using file = open();
    const controller = new AbortController();
    const reason = new Error('enough');
    let last = 0;
    const target = watched(chunk => {
      last = chunk;
      if (chunk === 2) controller.abort(reason);
    });
    expect(await rejectionOf(file.loadTensors([target], { signal: controller.signal }))).toBe(reason);
    expect(last).toBe(2);
    expect(await rejectionOf(file.loadTensors([], { signal: controller.signal }))).toBe(reason);
  });

  test('touches no memory that throws since it is gone, and ends with that', async () => {
    using file = open();
    const gone = new Error('freed');
    let last = 0;
    const target = watched(chunk => {
      last = chunk;
      if (chunk === 3) throw gone;
    });
    expect(await rejectionOf(file.loadTensors([target, ...targets()]))).toBe(gone);
    expect(last).toBe(3);
  });

  test('lets the event loop go on', async () => {
    using file = open();
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns++;
      if (!done) setImmediate(count);
    };
    count();
    await file.loadTensors(targets());
    done = true;
    expect(turns).toBeGreaterThan(2);
  });

  test('refuses memory of another size and a tensor that is not there, before anything is written', async () => {
    using file = open();
    const first = targets()[0]!;
    const short = { name: 'rms_final', into: { bytes: new Uint8Array(3) } };
    const error = await rejectionOf(file.loadTensors([first, short]));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('rms_final: buffer of another size: got 3, wanted 48 bytes');
    expect(first.into.bytes.every(byte => byte === 0)).toBe(true);
    const unknown = { name: 'layers.9.wo', into: { bytes: new Uint8Array(3) } };
    expect((await rejectionOf(file.loadTensors([unknown]))).message).toContain('no tensor layers.9.wo');
  });
});
