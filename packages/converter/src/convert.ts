import { basename } from 'node:path';
import {
  CheckpointFile,
  type ExistingTarget,
  encodeNpuHeader,
  OutputFile,
  readTokenizerFile,
  TOKENIZER_TENSOR,
} from '@npu-llama/format';
import type { OverflowPolicy } from '@npu-llama/format/tiles';
import { abortable } from './abortable.js';
import { DMA_WINDOW_BYTES, weightsDmaBytes } from './dma.js';
import { fileState, refuseChangedFile, refuseSameFile } from './file-identity.js';
import { HashThread } from './hash-thread.js';
import { checkNpuLimits } from './npu-limits.js';
import { type ConversionPlan, planConversion } from './plan.js';
import type { ConversionReport } from './report.js';
import { SourceStream } from './source-stream.js';
import { TensorStreams } from './tensor-streams.js';
import { WeightConverter } from './weight-converter.js';
import { WorkingMemory } from './working-memory.js';
import { WriteBehind } from './write-behind.js';

export interface ConversionProgress {
  /** Of the .npu file's tensors. */
  readonly writtenBytes: number;
  readonly totalBytes: number;
}

export interface ConvertOptions {
  /** A llama2.c checkpoint, version 0, 1 or 2. */
  readonly source: string;
  readonly target: string;
  /** A llama2.c tokenizer file to put inside. */
  readonly tokenizer?: string;
  /** What to do with finite weights beyond 65504; default `error`. NaN and infinities are always an error. */
  readonly overflow?: OverflowPolicy;
  /** Default `refuse`. */
  readonly existing?: ExistingTarget;
  /** Told, before anything is written, what the model will need to run. */
  readonly onStart?: (needs: Pick<ConversionReport, 'weightsDmaBytes' | 'exceedsDmaWindow'>) => void;
  readonly onProgress?: (progress: ConversionProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Converts a llama2.c checkpoint to a .npu file in one pass, in memory that does not depend on its size. The target
 * appears under its name when it is whole, or not at all.
 * @throws FileError for a source, tokenizer or target that will not do; the signal's reason when aborted
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<ConversionReport> {
  const started = performance.now();
  using source = CheckpointFile.open(options.source);
  const { config, sharedClassifier, version, fileBytes } = source.layout;
  checkNpuLimits(config, options.source);
  const tokenizer = readTokenizer(options, config.vocabSize);
  const plan = planConversion(source.layout, basename(options.source), tokenizer.length);
  refuseSameFile(options.target, options.source, 'checkpoint');
  using output = OutputFile.create(options.target, options.existing ?? 'refuse');
  const dmaBytes = weightsDmaBytes(config, sharedClassifier);
  const needs = { weightsDmaBytes: dmaBytes, exceedsDmaWindow: dmaBytes > DMA_WINDOW_BYTES };
  options.onStart?.(needs);
  const result = await writeModel(source, tokenizer, plan, output, options);
  output.commit();

  return {
    source: { path: options.source, version, bytes: fileBytes, sha256: result.sha256 },
    target: { path: options.target, bytes: plan.headerBytes + plan.tensorBytes },
    config,
    sharedClassifier,
    tokenizerBytes: tokenizer.length,
    ...needs,
    largestRoundingError: result.largestRoundingError,
    saturated: result.saturated,
    milliseconds: Math.round(performance.now() - started),
  };
}

function readTokenizer({ tokenizer, target }: ConvertOptions, vocabSize: number): Uint8Array {
  if (tokenizer === undefined) return new Uint8Array();
  refuseSameFile(target, tokenizer, 'tokenizer');
  return readTokenizerFile(tokenizer, vocabSize).bytes;
}

/** Writes everything and brings it to the disk; reading, hashing, converting and writing overlap. */
async function writeModel(
  source: CheckpointFile,
  tokenizer: Uint8Array,
  plan: ConversionPlan,
  output: OutputFile,
  { overflow = 'error', onProgress, signal }: ConvertOptions,
): Promise<Pick<ConversionReport, 'saturated' | 'largestRoundingError'> & { sha256: string }> {
  const before = fileState(source.fd);
  const memory = new WorkingMemory();
  const hash = new HashThread(memory.buffer, source.path);
  const writeBehind = new WriteBehind(output);
  try {
    const stream = new SourceStream(source, memory.slots, hash);
    const target = new TensorStreams(plan.tensors, writeBehind, plan.headerBytes);
    const converter = new WeightConverter(source, stream, memory, target, overflow);
    let writtenBytes = 0;
    const onPiece = (bytes: number): void => {
      signal?.throwIfAborted();
      writtenBytes += bytes;
      onProgress?.({ writtenBytes, totalBytes: plan.tensorBytes });
    };
    for (const destination of plan.work) await converter.convert(destination, onPiece);
    if (tokenizer.length > 0) await target.append(TOKENIZER_TENSOR, tokenizer);
    onPiece(tokenizer.length);
    await stream.skipTo(source.layout.fileBytes);
    const sha256 = await abortable(hash.digest(), signal);
    refuseChangedFile(before, source.fd, source.path);

    const { saturated, largestRoundingError } = converter;
    output.write(encodeNpuHeader(plan.describe({ sha256, saturated }), target.checksums()), 0);
    await writeBehind.sync();
    signal?.throwIfAborted();
    return { sha256, saturated, largestRoundingError };
  } finally {
    await hash.stop();
    // No thread may touch the file once it is closed.
    await writeBehind.settle();
  }
}
