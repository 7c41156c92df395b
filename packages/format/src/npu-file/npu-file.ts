import { crc32, formatChecksum } from '../checksum.js';
import { FileError, UsageError } from '../errors.js';
import { InputFile } from '../file-io.js';
import type { ModelConfig } from '../model-config.js';
import { parseTokenizer, type Vocabulary } from '../tokenizer/tokenizer-file.js';
import {
  LENGTH_PREFIX_BYTES,
  type NpuFileDescription,
  type NpuTensor,
  type TiledMatrix,
  TOKENIZER_TENSOR,
} from './definition.js';
import { type NpuFileHeader, parseHeaderLength, parseNpuHeader } from './header.js';
import { tiledMatrices } from './layout.js';
import { type LoadTensorsOptions, loadTensors, type TensorTarget } from './load-tensors.js';

export interface ReadTensorOptions {
  /** Compare the bytes read with the file's checksum (default true). */
  readonly verifyChecksum?: boolean;
}

/** Fits the L2 cache of a Cortex-A76 (512 KiB) beside what else is there. */
const CHUNK_BYTES = 256 * 1024;

/** A .npu file opened for reading; opening checks the header, reading checks the checksums. */
export class NpuFile implements Disposable {
  readonly #file: InputFile;
  readonly #header: NpuFileHeader;
  readonly #tensors: ReadonlyMap<string, NpuTensor>;
  #chunk: Uint8Array | undefined;

  private constructor(file: InputFile, header: NpuFileHeader) {
    this.#file = file;
    this.#header = header;
    this.#tensors = new Map(header.tensors.map(tensor => [tensor.name, tensor]));
  }

  /** @throws FileError when it cannot be read or is inconsistent in any way that the header and the size show. */
  static open(path: string): NpuFile {
    const file = InputFile.open(path);
    try {
      const length = parseHeaderLength(file.readUpTo(LENGTH_PREFIX_BYTES, 0), file.bytes, path);
      const json = file.readUpTo(length, LENGTH_PREFIX_BYTES);
      return new NpuFile(file, parseNpuHeader(json, file.bytes, path));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  get bytes(): number {
    return this.#file.bytes;
  }

  get config(): ModelConfig {
    return this.#header.description.config;
  }

  /** Where the tensors' bytes begin in the file: their offsets count from here. */
  get dataOffset(): number {
    return this.#header.dataOffset;
  }

  get description(): NpuFileDescription {
    return this.#header.description;
  }

  /** Every tensor, in the order of the file. */
  get tensors(): readonly NpuTensor[] {
    return this.#header.tensors;
  }

  /** The tiled matrices, in the order of the data flow. */
  get matrices(): TiledMatrix[] {
    return tiledMatrices(this.config, this.description.sharedClassifier);
  }

  /** @throws UsageError when there is none of that name. */
  tensor(name: string): NpuTensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new UsageError(`${this.path}: no tensor ${name}`);
    return tensor;
  }

  /** The checksum that the file gives for a tensor: `crc32:` and 8 hex digits. */
  checksum(name: string): string {
    return this.#header.checksums.get(this.tensor(name).name)!;
  }

  /**
   * Reads tensors into memory (DMA memory, say) without holding up the event loop: for all that is large. In the order of the
   * file it is read from a disk as fast as that gives it.
   * @throws FileError when one cannot be read or its checksum is another, UsageError for a target of another size, the signal's
   *   reason; nothing is being read any more then
   */
  async loadTensors(targets: readonly TensorTarget[], options: LoadTensorsOptions = {}): Promise<void> {
    const placed = targets.map(target => ({ ...target, tensor: this.tensor(target.name) }));
    const verify = ({ name }: NpuTensor, checksum: string): void => this.#checkSum(name, checksum);
    await loadTensors(this.#file, this.#header.dataOffset, placed, verify, options);
  }

  /**
   * Reads a tensor's bytes into `into`, whose length must be the tensor's.
   * @throws FileError when they cannot be read or their checksum is another
   */
  readTensor(name: string, into: Uint8Array, options: ReadTensorOptions = {}): void {
    const tensor = this.tensor(name);
    if (into.length !== tensor.bytes) {
      throw new UsageError(`${name}: buffer of another size`, {
        got: `${into.length}`,
        wanted: `${tensor.bytes} bytes`,
      });
    }
    if (options.verifyChecksum === false) {
      this.#file.read(into, this.#header.dataOffset + tensor.offset);
      return;
    }
    // Chunk by chunk: the checksum is then of the very bytes that were copied, while they are in the cache.
    this.#checkSum(
      name,
      this.#readInChunks(tensor, (chunk, position) => into.set(chunk, position)),
    );
  }

  /** @throws FileError when it is another than the file's */
  #checkSum(name: string, got: string): void {
    const wanted = this.checksum(name);
    if (got === wanted) return;
    throw new FileError(this.path, `tensor ${name} is damaged`, {
      got,
      wanted,
      next: 'copy the file again or convert the checkpoint again',
    });
  }

  /**
   * Whether a tensor's bytes have the checksum that the file gives; in memory that does not depend on its size.
   * @throws FileError when they cannot be read
   */
  checksumMatches(name: string): boolean {
    return this.#readInChunks(this.tensor(name), () => {}) === this.checksum(name);
  }

  /** Hands out a tensor's bytes in chunks that stay in the CPU's cache, and returns the checksum of them all. */
  #readInChunks(tensor: NpuTensor, visit: (chunk: Uint8Array, position: number) => void): string {
    this.#chunk ??= new Uint8Array(CHUNK_BYTES);
    let crc = 0;
    for (let position = 0; position < tensor.bytes; position += CHUNK_BYTES) {
      const chunk = this.#chunk.subarray(0, Math.min(CHUNK_BYTES, tensor.bytes - position));
      this.#file.read(chunk, this.#header.dataOffset + tensor.offset + position);
      crc = crc32(chunk, crc);
      visit(chunk, position);
    }
    return formatChecksum(crc);
  }

  /** An F32 tensor's values. */
  readFloats(name: string, options: ReadTensorOptions = {}): Float32Array {
    const tensor = this.tensor(name);
    if (tensor.dtype !== 'F32') throw new UsageError(`${name} is ${tensor.dtype}, not F32`);
    const bytes = new Uint8Array(tensor.bytes);
    this.readTensor(name, bytes, options);
    return new Float32Array(bytes.buffer);
  }

  /** The tokenizer inside, or undefined where the file was made without one. */
  readTokenizer(options: ReadTensorOptions = {}): Vocabulary | undefined {
    const tensor = this.#tensors.get(TOKENIZER_TENSOR);
    if (tensor === undefined) return undefined;
    const bytes = new Uint8Array(tensor.bytes);
    this.readTensor(TOKENIZER_TENSOR, bytes, options);
    return parseTokenizer(bytes, this.config.vocabSize, `${this.path} (tokenizer)`);
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
