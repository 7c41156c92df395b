import { expect, test } from '@jest/globals';
import { tableCrc32 } from '../src/checksum.js';
import { crc32, formatChecksum } from '../src/index.js';
import { seededRandom } from './support.js';

const random = seededRandom(1);
const bytes = Uint8Array.from({ length: 5000 }, () => random() * 256);

test('crc32 is the one of zip and PNG', () => {
  const check = Buffer.from('123456789');
  expect(crc32(check)).toBe(0xcbf43926);
  expect(tableCrc32(check, 0)).toBe(0xcbf43926);
});

test('crc32 goes on where it left off, with and without node:zlib', () => {
  for (const cut of [0, 1, 2499, 5000]) {
    expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
    expect(tableCrc32(bytes.subarray(cut), tableCrc32(bytes.subarray(0, cut), 0))).toBe(crc32(bytes));
  }
});

test('checksums have eight digits', () => {
  expect(formatChecksum(0xab)).toBe('crc32:000000ab');
});
