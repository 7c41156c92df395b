import { crc32, formatChecksum } from '../checksum.js';
import { UsageError } from '../errors.js';
import type { InputFile } from '../file-io.js';
import type { NpuTensor } from './definition.js';
import { type FileRange, readAhead } from './read-ahead.js';

/** Where a tensor is to go. */
export interface TensorTarget {
  readonly name: string;
  /** `bytes` is as long as the tensor. It is asked for again for every chunk, so that memory freed meanwhile can throw. */
  readonly into: { readonly bytes: Uint8Array };
}

/** What is asked of an AbortSignal. */
export type AbortCheck = Pick<AbortSignal, 'throwIfAborted'>;

export interface LoadTensorsOptions {
  /** Compare each tensor's bytes with the file's checksum (default true). */
  readonly verifyChecksum?: boolean;
  /** Called after each tensor, when it is in place and its checksum is right. */
  readonly onTensor?: (tensor: NpuTensor) => void;
  /** Heard before every chunk. */
  readonly signal?: AbortCheck;
}

/** What is checked and copied at a time: stays in the L3 cache of an RK3588 (3 MiB) with what is read ahead. */
const CHUNK_BYTES = 1 << 20;

interface Chunk extends FileRange {
  readonly target: TensorTarget;
  readonly tensor: NpuTensor;
  /** Of its first byte within the tensor. */
  readonly offset: number;
}

/**
 * Reads tensors into memory that is slow to read back: write-combined DMA memory, which is only written, in order. Threads read each
 * chunk ahead of its turn, so that a disk is waited for there; its checksum is taken and it is copied to where it stays while
 * it is in the cache. The checksum is so of the very bytes that are then in place. Reading the file a second time straight into
 * DMA memory would move more bytes (measured 9 % slower), and a page that changed between the two reads would go unnoticed.
 *
 * @param verify told each tensor's checksum; throws where it is another than the file's
 */
export async function loadTensors(
  file: InputFile,
  dataOffset: number,
  targets: readonly (TensorTarget & { readonly tensor: NpuTensor })[],
  verify: (tensor: NpuTensor, checksum: string) => void,
  options: LoadTensorsOptions,
): Promise<void> {
  const { onTensor, signal, verifyChecksum = true } = options;
  const chunks = targets.flatMap(target => chunksOf(target, dataOffset));
  let crc = 0;
  signal?.throwIfAborted();
  for await (const { range, chunk } of readAhead(file, chunks)) {
    signal?.throwIfAborted();
    const { tensor, target, offset, bytes } = range;
    if (verifyChecksum) crc = crc32(chunk, crc);
    target.into.bytes.set(chunk, offset);
    if (offset + bytes < tensor.bytes) continue;
    if (verifyChecksum) verify(tensor, formatChecksum(crc));
    crc = 0;
    onTensor?.(tensor);
  }
  signal?.throwIfAborted();
}

function chunksOf(target: TensorTarget & { readonly tensor: NpuTensor }, dataOffset: number): Chunk[] {
  const { tensor } = target;
  const got = target.into.bytes.length;
  if (got !== tensor.bytes) {
    throw new UsageError(`${tensor.name}: buffer of another size`, {
      got: `${got}`,
      wanted: `${tensor.bytes} bytes`,
    });
  }
  return Array.from({ length: Math.ceil(tensor.bytes / CHUNK_BYTES) }, (_, i): Chunk => {
    const offset = i * CHUNK_BYTES;
    const bytes = Math.min(CHUNK_BYTES, tensor.bytes - offset);
    return { target, tensor, offset, bytes, position: dataOffset + tensor.offset + offset };
  });
}
