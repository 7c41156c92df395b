import { FileError, UsageError } from '../errors.js';
import { InputFile } from '../file-io.js';
import { parseCheckpointHeader } from './header.js';
import {
  type CheckpointLayout,
  type CheckpointTensor,
  checkpointLayout,
  VERSIONED_HEADER_BYTES,
} from './layout.js';

/** A llama2.c checkpoint of version 0, 1 or 2, opened for reading rows as FP32. */
export class CheckpointFile implements Disposable {
  readonly #file: InputFile;

  private constructor(
    file: InputFile,
    readonly layout: CheckpointLayout,
  ) {
    this.#file = file;
  }

  /**
   * Opens a checkpoint and checks its header against the file's size.
   * @throws FileError when it cannot be read, is no llama2.c checkpoint, or is not exactly as long as its header says
   */
  static open(path: string): CheckpointFile {
    const file = InputFile.open(path);
    try {
      const layout = checkpointLayout(parseCheckpointHeader(file.readUpTo(VERSIONED_HEADER_BYTES, 0), path));
      if (file.bytes !== layout.fileBytes) {
        throw new FileError(
          path,
          file.bytes < layout.fileBytes ? 'shorter than its header promises' : 'longer than its header says',
          {
            got: `${file.bytes} bytes`,
            wanted: `${layout.fileBytes}`,
            next: 'a damaged download, or not a llama2.c checkpoint',
          },
        );
      }
      return new CheckpointFile(file, layout);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  /** The file descriptor, for looking at the same file that is read. */
  get fd(): number {
    return this.#file.fd;
  }

  /**
   * Fills `into` with the file's bytes as they are, from byte `position` on.
   * @throws FileError when the file ends before, or cannot be read
   */
  read(into: NodeJS.ArrayBufferView, position: number): void {
    this.#file.read(into, position);
  }

  /** @throws UsageError when the model has no tensor of that name. */
  tensor(name: string): CheckpointTensor {
    const tensor = this.layout.tensors.get(name);
    if (tensor === undefined) throw new UsageError(`${this.path}: no tensor ${name}`);
    return tensor;
  }

  /**
   * Reads rows of a tensor as FP32 (int8 ones dequantised), row-major: `into` is [rowCount][columns].
   * @throws FileError when the file cannot be read
   */
  readRows(tensor: CheckpointTensor, firstRow: number, rowCount: number, into: Float32Array): void {
    if (firstRow < 0 || rowCount < 0 || firstRow + rowCount > tensor.rows) {
      throw new UsageError(`${tensor.name}: no rows ${firstRow} to ${firstRow + rowCount - 1}`, {
        wanted: `rows 0 to ${tensor.rows - 1}`,
      });
    }
    const first = firstRow * tensor.columns;
    const count = rowCount * tensor.columns;
    if (into.length < count) {
      throw new UsageError(`${tensor.name}: buffer too small`, {
        got: `${into.length}`,
        wanted: `${count} floats`,
      });
    }
    const { storage } = tensor;
    if (storage.kind === 'f32') {
      this.#file.read(into.subarray(0, count), storage.offset + first * 4);
      return;
    }
    const { groupSize } = storage;
    const values = new Int8Array(count);
    this.#file.read(values, storage.offset + first);
    const firstGroup = Math.floor(first / groupSize);
    const scales = new Float32Array(Math.ceil((first + count) / groupSize) - firstGroup);
    this.#file.read(scales, storage.scalesOffset + firstGroup * 4);
    for (let group = 0; group < scales.length; group++) {
      const scale = scales[group]!;
      const start = Math.max(0, (firstGroup + group) * groupSize - first);
      const end = Math.min(count, (firstGroup + group + 1) * groupSize - first);
      for (let i = start; i < end; i++) into[i] = values[i]! * scale;
    }
  }

  /** All of a tensor as FP32, row-major [rows][columns]. */
  readAll(name: string): Float32Array {
    const tensor = this.tensor(name);
    const into = new Float32Array(tensor.rows * tensor.columns);
    this.readRows(tensor, 0, tensor.rows, into);
    return into;
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
