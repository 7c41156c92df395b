import { decodeFields, encodeFields, PC, type Register } from '@npu-llama/runtime/testing';

/** The register program of one task, in the DMA memory that the device fetches it from. */
export class Program {
  /**
   * @param words [PROGRAM_WORDS][low, high] u32: unit << 48 | value << 16 | register
   * @param matrix whose job it belongs to
   * @param rows M of that job
   * @param core that runs it
   * @param link its place among the chained tasks of that core
   * @param firstRow first row of the matrix that it computes
   */
  constructor(
    readonly words: Uint32Array,
    readonly matrix: string,
    readonly rows: number,
    readonly core: number,
    readonly link: number,
    readonly firstRow: number,
  ) {}

  /** A field of a register, as the program sets it. */
  get(register: Register, field: string): number {
    const at = this.#find(register);
    const value = readValue(this.words, at);
    const found = decodeFields(register, value).fields.find(([name]) => name === field);
    if (found === undefined) throw new Error(`${register.name} has no field ${field}`);
    return found[1];
  }

  /** Sets fields of a register; its others stay. */
  set(register: Register, values: Readonly<Record<string, number>>): void {
    const at = this.#find(register);
    const { fields } = decodeFields(register, readValue(this.words, at));
    const value = encodeFields(register, { ...Object.fromEntries(fields), ...values });
    this.words[at] = (((value & 0xffff) << 16) | register.address) >>> 0;
    this.words[at + 1] = ((this.words[at + 1]! & 0xffff0000) | (value >>> 16)) >>> 0;
  }

  /** Makes it the last of its chain. */
  endChain(): void {
    const at = this.#find(PC.BASE_ADDRESS);
    this.words.fill(0, at, at + 2);
    this.set(PC.REGISTER_AMOUNTS, { amount: 0 });
  }

  #find({ address, name }: Register): number {
    for (let at = 0; at < this.words.length; at += 2) {
      if ((this.words[at]! & 0xffff) === address && this.words[at + 1]! >>> 16 !== 0) return at;
    }
    throw new Error(`the program of ${this.matrix} sets no ${name}`);
  }
}

function readValue(words: Uint32Array, at: number): number {
  return (((words[at + 1]! & 0xffff) << 16) | (words[at]! >>> 16)) >>> 0;
}
