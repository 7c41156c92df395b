import { allRegisters, decodeFields, type Register, UnitCode } from '../hardware/index.js';

const byCommand = new Map<number, Register>(
  allRegisters().map(register => [UnitCode[register.unit] * 0x10000 + register.address, register]),
);

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/**
 * A register program as text, a line a command: `CNA CONV_CON2 1010 = 00000020  feature_grains=2`.
 * @param words pairs of u32, low half first, as emitProgram writes them
 */
export function disassemble(words: Uint32Array): string[] {
  const lines: string[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    const low = words[i]!;
    const high = words[i + 1]!;
    lines.push(
      disassembleCommand(high >>> 16, ((high & 0xffff) * 0x10000 + (low >>> 16)) >>> 0, low & 0xffff),
    );
  }
  return lines;
}

function disassembleCommand(unit: number, value: number, address: number): string {
  if (unit === 0 && value === 0 && address === 0) return 'filler';
  const register = byCommand.get(unit * 0x10000 + address);
  if (register === undefined)
    return `unknown unit ${hex(unit, 4)} register ${hex(address, 4)} = ${hex(value, 8)}`;
  const { fields, stray } = decodeFields(register, value);
  const named = fields
    .filter(([name, field]) => name !== 'value' && field !== 0)
    .map(([name, field]) => `${name}=${field}`);
  if (stray !== 0) named.push(`stray bits ${hex(stray, 8)}`);
  return `${register.unit} ${register.name} ${hex(address, 4)} = ${hex(value, 8)}  ${named.join(' ')}`.trimEnd();
}
