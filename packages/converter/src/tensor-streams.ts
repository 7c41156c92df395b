import { crc32, formatChecksum, type NpuTensor } from '@npu-llama/format';
import type { WriteBehind } from './write-behind.js';

/**
 * The tensors of the .npu file while they grow, each from its beginning to its end. The parts of a fused one arrive in
 * order, with other tensors' parts between them, in every version of the checkpoint: so one pass over the source is
 * enough, and a checksum can be kept as the bytes go by.
 */
export class TensorStreams {
  readonly #streams: ReadonlyMap<string, { readonly tensor: NpuTensor; written: number; crc: number }>;
  readonly #output: WriteBehind;
  readonly #dataOffset: number;

  /** @param dataOffset where the tensors' bytes begin in the file */
  constructor(tensors: readonly NpuTensor[], output: WriteBehind, dataOffset: number) {
    this.#streams = new Map(tensors.map(tensor => [tensor.name, { tensor, written: 0, crc: 0 }]));
    this.#output = output;
    this.#dataOffset = dataOffset;
  }

  /** Appends to a tensor. @throws FileError as WriteBehind.write */
  async append(name: string, bytes: Uint8Array): Promise<void> {
    const stream = this.#streams.get(name);
    if (stream === undefined || stream.written + bytes.length > stream.tensor.bytes) {
      throw new Error(`bug: ${bytes.length} bytes too many for tensor ${name}`);
    }
    const position = this.#dataOffset + stream.tensor.offset + stream.written;
    stream.crc = crc32(bytes, stream.crc);
    stream.written += bytes.length;
    await this.#output.write(bytes, position);
  }

  /** The checksums, once every tensor is complete. */
  checksums(): Map<string, string> {
    return new Map(
      Array.from(this.#streams, ([name, { tensor, written, crc }]) => {
        if (written !== tensor.bytes) throw new Error(`bug: ${written} of ${tensor.bytes} bytes of ${name}`);
        return [name, formatChecksum(crc)];
      }),
    );
  }
}
