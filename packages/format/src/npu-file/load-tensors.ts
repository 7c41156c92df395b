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

/** What is checked and copied at a time: fits the L3 cache of an RK3588 (3 MiB), so that the second read finds it there. */
const CHUNK_BYTES = 1 << 20;

interface Chunk extends FileRange {
  readonly target: TensorTarget;
  readonly tensor: NpuTensor;
  /** Of its first byte within the tensor. */
  readonly offset: number;
}

/**
 * Reads tensors straight into memory that is slow to read back: write-combined DMA memory. Each chunk is read twice. First in a
 * thread, ahead of its turn, into ordinary memory: what comes from a disk is waited for there, and the checksum is taken. Then
 * from the page cache, where it now is, to where it stays; a copy by the kernel, in order. That one is not left to a thread,
 * which would write on after the memory was freed.
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
    const { tensor, target, offset, position, bytes } = range;
    file.read(target.into.bytes.subarray(offset, offset + bytes), position);
    if (verifyChecksum) crc = crc32(chunk, crc);
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
