import { readFileSync, rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { convertCheckpoint, inspectModel } from '@npu-llama/converter';
import {
  CheckpointFile,
  encodeCheckpointHeader,
  encodeTokenizer,
  FileError,
  NpuFile,
  npuTensors,
  readTokenizerFile,
  UsageError,
} from '@npu-llama/format';
import {
  loadModel,
  ModelLimitError,
  type NpuDevice,
  NumericError,
  openDevice,
  Tokenizer,
} from '@npu-llama/runtime';
import { junitXml, mergeReports, readGolden, readReport, readSuite, reportLines } from '@npu-llama/verify';
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

export const TARGET_NAMES = [
  'checkpoint',
  'tokenizer',
  'npu',
  'device',
  'suite',
  'golden',
  'report',
] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** One target a reader, in the order of TARGET_NAMES. */
export async function openTargets({
  checkpoints,
  tokenizer,
  model,
  suite,
  golden,
  report,
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
    simple('report', [jsonSubject(report)], merge),
  ];
}

function simple(name: TargetName, subjects: readonly Subject[], read: Target['read']): Target {
  return { name, subjects, read, refuses: isFileProblem, [Symbol.asyncDispose]: async () => {} };
}

/** What was read must be what stands in the file: else a reader that checks too little would pass for one that reads well. */
function requireSame(what: string, read: unknown, written: unknown): void {
  if (!isDeepStrictEqual(read, written)) throw new Error(`${what}: read otherwise than it is written`);
}

/** A vocabulary may lack bytes: then texts that need them are refused. */
async function tokenize(path: string): Promise<void> {
  const { vocabulary } = readTokenizerFile(path, VOCABULARY);
  requireSame('tokenizer', Buffer.from(encodeTokenizer(vocabulary)), readFileSync(path));
  const tokenizer = new Tokenizer(vocabulary);
  for (let token = 0; token < VOCABULARY; token++) tokenizer.decode(1, token);
  try {
    tokenizer.encode('a  \u00e9\u4e2d b');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

async function convert(path: string): Promise<void> {
  const target = `${path}.npu`;
  requireWholeCheckpoint(path);
  try {
    await convertCheckpoint({ source: path, target, overflow: 'saturate' });
  } finally {
    rmSync(target, { force: true });
  }
}

/** The header written again is the one that was read, and the last tensor ends where the file does. */
function requireWholeCheckpoint(path: string): void {
  using file = CheckpointFile.open(path);
  const bytes = readFileSync(path);
  const header = Buffer.from(encodeCheckpointHeader(file.layout));
  requireSame('checkpoint header', header, bytes.subarray(0, header.length));
  requireSame('checkpoint size', file.layout.fileBytes, bytes.length);
}

/** As convert-weights --inspect and verify-npu read it: every tensor, held against its checksum. */
async function readModel(path: string): Promise<void> {
  await inspectModel(path, 'checksums');
  using file = NpuFile.open(path);
  const { config, description, dataOffset, tensors } = file;
  requireSame(
    'tensors',
    tensors,
    npuTensors(config, description.sharedClassifier, description.tokenizerBytes),
  );
  const { offset, bytes: lastBytes } = tensors[tensors.length - 1]!;
  requireSame('size', dataOffset + offset + lastBytes, file.bytes);
  for (const { name, bytes } of tensors) file.readTensor(name, new Uint8Array(bytes));
  file.readTokenizer();
}

/** What no terminal may get of a report's texts. */
const DISTURBING = /[\p{Cc}\p{Bidi_Control}]/u;

/** As verify-npu merge reads it and shows it; pages are left out, whose plots take a hundred times as long. */
async function merge(path: string): Promise<void> {
  const merged = mergeReports([{ path: 'report.json', report: readReport(path) }]);
  const disturbing = reportLines(merged).find(text => DISTURBING.test(text));
  if (disturbing !== undefined) throw new Error(`shown as it is: ${JSON.stringify(disturbing)}`);
  junitXml(merged);
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
