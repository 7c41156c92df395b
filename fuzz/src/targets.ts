import { rmSync } from 'node:fs';
import { convertCheckpoint, inspectModel } from '@npu-llama/converter';
import { FileError, NpuFile, readTokenizerFile, UsageError } from '@npu-llama/format';
import {
  loadModel,
  ModelLimitError,
  type NpuDevice,
  NumericError,
  openDevice,
  Tokenizer,
} from '@npu-llama/runtime';
import { readGolden, readSuite } from '@npu-llama/verify';
import type { Seeds } from './seeds.js';
import type { Subject, Target } from './target.js';

/** A checkpoint's header of version 1 or 2; version 0's 28 bytes are its beginning. */
const CHECKPOINT_HEAD_BYTES = 64;
const LENGTH_PREFIX_BYTES = 8;
const VOCABULARY = 264;

/** What a file may be refused with: it will not do, or the NPU cannot hold it. */
function isFileProblem(error: unknown): boolean {
  return error instanceof FileError || error instanceof ModelLimitError;
}

const whole = (bytes: Uint8Array, headBytes: number): Subject => ({ bytes, anatomy: { headBytes } });

function jsonSubject(bytes: Uint8Array): Subject {
  const json = { start: 0, end: bytes.length, replace: (_: Uint8Array, text: Uint8Array) => text };
  return { bytes, anatomy: { headBytes: bytes.length, json } };
}

/** Its header is JSON behind its own length; another header gets its right length, so that it is read at all. */
function modelSubject(bytes: Uint8Array): Subject {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const end = LENGTH_PREFIX_BYTES + length;
  const text = Buffer.from(bytes.subarray(LENGTH_PREFIX_BYTES, end)).toString().trimEnd();
  const replace = (file: Uint8Array, changed: Uint8Array): Uint8Array => {
    const padded = Math.max(length, changed.length);
    const copy = new Uint8Array(LENGTH_PREFIX_BYTES + padded + file.length - end).fill(0x20);
    new DataView(copy.buffer).setBigUint64(0, BigInt(padded), true);
    copy.set(changed, LENGTH_PREFIX_BYTES);
    copy.set(file.subarray(end), LENGTH_PREFIX_BYTES + padded);
    return copy;
  };
  const json = { start: LENGTH_PREFIX_BYTES, end: LENGTH_PREFIX_BYTES + Buffer.byteLength(text), replace };
  return { bytes, anatomy: { headBytes: LENGTH_PREFIX_BYTES + text.length, json } };
}

export const TARGET_NAMES = ['checkpoint', 'tokenizer', 'npu', 'device', 'suite', 'golden'] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** One target a reader, in the order of TARGET_NAMES. */
export async function openTargets({
  checkpoints,
  tokenizer,
  model,
  suite,
  golden,
}: Seeds): Promise<Target[]> {
  return [
    simple(
      'checkpoint',
      checkpoints.map(bytes => whole(bytes, CHECKPOINT_HEAD_BYTES)),
      convert,
    ),
    simple('tokenizer', [whole(tokenizer, CHECKPOINT_HEAD_BYTES)], tokenize),
    simple('npu', [modelSubject(model)], readModel),
    new DeviceTarget([modelSubject(model)], await openDevice({ kind: 'sim' })),
    simple('suite', [jsonSubject(suite)], async path => void readSuite(path)),
    simple('golden', [jsonSubject(golden)], async path => void readGolden(path)),
  ];
}

function simple(name: TargetName, subjects: readonly Subject[], read: Target['read']): Target {
  return { name, subjects, read, refuses: isFileProblem, [Symbol.asyncDispose]: async () => {} };
}

/** A vocabulary may lack bytes: then texts that need them are refused. */
async function tokenize(path: string): Promise<void> {
  const tokenizer = new Tokenizer(readTokenizerFile(path, VOCABULARY).vocabulary);
  for (let token = 0; token < VOCABULARY; token++) tokenizer.decode(1, token);
  try {
    tokenizer.encode('a  \u00e9\u4e2d b');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

async function convert(path: string): Promise<void> {
  const target = `${path}.npu`;
  try {
    await convertCheckpoint({ source: path, target, overflow: 'saturate' });
  } finally {
    rmSync(target, { force: true });
  }
}

/** As convert-weights --inspect and verify-npu read it: every tensor, held against its checksum. */
async function readModel(path: string): Promise<void> {
  await inspectModel(path, 'checksums');
  using file = NpuFile.open(path);
  for (const { name, bytes } of file.tensors) file.readTensor(name, new Uint8Array(bytes));
  file.readTokenizer();
}

/**
 * Loads a model and runs two tokens. Checksums are off, so that damage gets as far as it can; the device refuses DMA outside
 * of its buffers, and such a refusal is a finding, as is memory that is not freed.
 */
class DeviceTarget implements Target {
  readonly name: TargetName = 'device';

  constructor(
    readonly subjects: readonly Subject[],
    private readonly device: NpuDevice,
  ) {}

  async read(path: string): Promise<void> {
    const { driver } = this.device;
    const before = driver.dmaBytesInUse;
    let refusal: unknown;
    try {
      await this.#run(path);
    } catch (error) {
      refusal = error;
    }
    const left = driver.dmaBytesInUse - before;
    if (left !== 0) throw new Error(`${left} bytes of DMA memory left`, { cause: refusal });
    if (refusal !== undefined) throw refusal;
  }

  async #run(path: string): Promise<void> {
    await using model = await loadModel(this.device, path, { verifyChecksums: false });
    await using session = model.createSession();
    await session.forwardBatch([1, Math.min(5, model.config.vocabSize - 1)], 0, { logits: 'all' });
  }

  /** UsageError: a text of two positions for a model of one. */
  refuses(error: unknown): boolean {
    return isFileProblem(error) || error instanceof NumericError || error instanceof UsageError;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device.close();
  }
}
