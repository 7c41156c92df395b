import { encodeFields, type FieldValues, type Register, UnitCode } from '../hardware/register.js';

/** Writes register commands: 64-bit words, unit << 48 | value << 16 | register, as pairs of u32, low half first. */
export class CommandWriter {
  #position: number;

  /** @param firstCommand where in `words` to begin, in commands */
  constructor(
    private readonly words: Uint32Array,
    firstCommand = 0,
  ) {
    this.#position = 2 * firstCommand;
  }

  set<R extends Register>(register: R, values: FieldValues<R>): void {
    this.#write(UnitCode[register.unit], encodeFields(register, values), register.address);
  }

  clear(registers: readonly Register[]): void {
    for (const { unit, address } of registers) this.#write(UnitCode[unit], 0, address);
  }

  filler(): void {
    this.#write(0, 0, 0);
  }

  #write(unit: number, value: number, address: number): void {
    this.words[this.#position++] = (((value & 0xffff) << 16) | address) >>> 0;
    this.words[this.#position++] = ((unit << 16) | (value >>> 16)) >>> 0;
  }
}

/**
 * Which command of a program writes a register.
 * @throws RangeError when none does
 */
export function findCommand(words: Uint32Array, { unit, name, address }: Register): number {
  const code = UnitCode[unit];
  for (let low = 0; low < words.length; low += 2) {
    if ((words[low]! & 0xffff) === address && words[low + 1]! >>> 16 === code) return low / 2;
  }
  throw new RangeError(`the program does not write ${unit} ${name}`);
}
