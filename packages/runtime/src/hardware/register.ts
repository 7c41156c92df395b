/** A block of the NPU, by the code in bits 48-63 of a register command. */
export const UnitCode = {
  CNA: 0x0201,
  CORE: 0x0801,
  DPU: 0x1001,
  DPU_RDMA: 0x2001,
  PC: 0x0101,
  /** Control words of the trailer. */
  SYNC: 0x0041,
  ENABLE: 0x0081,
} as const;
export type UnitName = keyof typeof UnitCode;

/** Lowest bit and number of bits. */
export type BitField = readonly [lowestBit: number, bits: number];

export interface Register<
  Fields extends Readonly<Record<string, BitField>> = Readonly<Record<string, BitField>>,
> {
  readonly unit: UnitName;
  readonly name: string;
  /** Bits 0-15 of a register command. */
  readonly address: number;
  readonly fields: Fields;
}

export type FieldValues<R extends Register> = { readonly [name in keyof R['fields']]?: number };

/**
 * The 32-bit value of a register; fields not given are 0.
 * @throws RangeError naming register and field when a value does not fit its width
 */
export function encodeFields<R extends Register>(register: R, values: FieldValues<R>): number {
  let word = 0;
  for (const name in values) {
    const field = register.fields[name];
    const value = values[name];
    if (field === undefined || value === undefined) {
      throw new RangeError(`${register.unit} ${register.name} has no field ${name}`);
    }
    const [lowestBit, bits] = field;
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
      throw new RangeError(
        `${register.unit} ${register.name}.${name}: ${value} does not fit ${bits} bits (0 to ${2 ** bits - 1})`,
      );
    }
    word = (word | (value * 2 ** lowestBit)) >>> 0;
  }
  return word;
}

/** The fields of a register's value, and what bits are set outside any of them. */
export function decodeFields(
  register: Register,
  word: number,
): { fields: [name: string, value: number][]; stray: number } {
  let stray = word >>> 0;
  const fields = Object.entries(register.fields).map(([name, [lowestBit, bits]]): [string, number] => {
    const mask = (2 ** bits - 1) * 2 ** lowestBit;
    stray = (stray & ~mask) >>> 0;
    return [name, Math.floor(word / 2 ** lowestBit) % 2 ** bits];
  });
  return { fields, stray };
}
