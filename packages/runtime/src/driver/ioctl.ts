/*
 * An ioctl as data: its number computed from direction, type, nr and the size of its struct (Linux asm-generic/ioctl.h),
 * and the struct's fields with the kernel's names, little endian, naturally aligned.
 */

export type FieldType = 'u32' | 's32' | 'u64';
export type StructFields = Readonly<Record<string, FieldType>>;
export type FieldValue<T extends FieldType> = T extends 'u64' ? bigint : number;

export interface IoctlDefinition<F extends StructFields = StructFields> {
  readonly name: string;
  readonly request: number;
  readonly bytes: number;
  readonly fields: F;
  readonly offsets: Readonly<Record<string, number>>;
}

export type Direction = 'write' | 'read-write';

const FIELD_BYTES: Readonly<Record<FieldType, number>> = { u32: 4, s32: 4, u64: 8 };
/** The kernel's view: it reads what we write. */
const DIRECTION_BITS: Readonly<Record<Direction, number>> = { write: 1, 'read-write': 3 };
const DRM_TYPE = 0x64; // 'd'

/** Defines a DRM ioctl; `bytes` is checked against the fields, which must leave no gaps. */
export function defineDrmIoctl<const F extends StructFields>(
  name: string,
  direction: Direction,
  nr: number,
  bytes: number,
  fields: F,
): IoctlDefinition<F> {
  const offsets: Record<string, number> = {};
  let offset = 0;
  for (const [field, type] of Object.entries(fields)) {
    const size = FIELD_BYTES[type];
    if (offset % size !== 0) throw new RangeError(`${name}.${field} is not aligned at ${offset}`);
    offsets[field] = offset;
    offset += size;
  }
  if (offset !== bytes) throw new RangeError(`${name}: fields take ${offset} bytes, not ${bytes}`);
  const request = DIRECTION_BITS[direction] * 2 ** 30 + bytes * 2 ** 16 + DRM_TYPE * 2 ** 8 + nr;
  return { name, request, bytes, fields, offsets };
}

/** An ioctl ready to be made: its request number, and where its struct stands. */
export interface IoctlCall {
  readonly definition: { readonly name: string; readonly request: number };
  readonly address: number;
  /** The struct, at `address`. */
  readonly bytes: Uint8Array;
  /** Its fields, for traces. */
  toString(): string;
}

/** The argument of an ioctl, at an address that does not change; made by a Kernel, filled in and read by field. */
export class IoctlArgument<F extends StructFields = StructFields> implements IoctlCall {
  readonly #view: DataView;

  constructor(
    readonly definition: IoctlDefinition<F>,
    /** The struct's bytes, in an ArrayBuffer of their own. */
    readonly bytes: Uint8Array,
    readonly address: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get<N extends keyof F & string>(name: N): FieldValue<F[N]> {
    const offset = this.#offset(name);
    const type = this.definition.fields[name];
    const value =
      type === 'u64'
        ? this.#view.getBigUint64(offset, true)
        : type === 's32'
          ? this.#view.getInt32(offset, true)
          : this.#view.getUint32(offset, true);
    return value as FieldValue<F[N]>;
  }

  /** @throws RangeError when the value does not fit the field */
  set(values: { readonly [N in keyof F & string]?: FieldValue<F[N]> }): this {
    for (const name in values) {
      const value = values[name];
      if (value !== undefined) this.#setField(name, value);
    }
    return this;
  }

  #setField(name: string, value: number | bigint): void {
    const offset = this.#offset(name);
    const type = this.definition.fields[name];
    // A bigint in a field of 4 bytes would be written over the next one.
    if ((typeof value === 'bigint') !== (type === 'u64')) {
      throw new RangeError(`${this.definition.name}.${name}: ${value} does not fit ${type}`);
    }
    if (typeof value === 'bigint') {
      if (value < 0n || value >= 1n << 64n) throw new RangeError(`${this.definition.name}.${name}: ${value}`);
      this.#view.setBigUint64(offset, value, true);
      return;
    }
    const [low, high] = type === 's32' ? [-(2 ** 31), 2 ** 31] : [0, 2 ** 32];
    if (!Number.isInteger(value) || value < low || value >= high) {
      throw new RangeError(`${this.definition.name}.${name}: ${value} does not fit ${type}`);
    }
    if (type === 's32') this.#view.setInt32(offset, value, true);
    else this.#view.setUint32(offset, value, true);
  }

  #offset(name: string): number {
    const offset = this.definition.offsets[name];
    if (offset === undefined) throw new RangeError(`${this.definition.name} has no field ${name}`);
    return offset;
  }

  /** The fields that are not zero, for traces. */
  toString(): string {
    const parts = Object.entries(this.definition.fields).map(([name, type]) => {
      const value = this.get(name);
      if (value === 0 || value === 0n) return '';
      return `${name}=${type === 'u64' ? `0x${value.toString(16)}` : value}`;
    });
    return parts.filter(part => part !== '').join(' ');
  }
}
