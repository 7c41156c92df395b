import * as zlib from 'node:zlib';

/**
 * CRC-32 (ISO 3309, as in zip and PNG): finds damage, is not meant against malice. Chosen over SHA-256 because a model
 * is checked at every load, and over a sum because zlib's is vectorised (several GB/s).
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32 === undefined ? tableCrc32(bytes, seed) : nativeCrc32(bytes, seed);
}

/** node:zlib has it from Node 20.15 on; its types say 22. */
const nativeCrc32 = (zlib as { crc32?: (bytes: Uint8Array, seed: number) => number }).crc32;

const POLYNOMIAL = 0xedb88320;
const table = new Uint32Array(256).map((_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The same without node:zlib, exported for its test. */
export function tableCrc32(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/** A checksum as the .npu file's metadata spells it. */
export function formatChecksum(crc: number): string {
  return `crc32:${crc.toString(16).padStart(8, '0')}`;
}
