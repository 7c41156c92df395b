import { expect, test } from '@jest/globals';
import { formatBytes, formatBytesExactly } from '../src/byte-size.js';

test.each([
  [0, '0 bytes', '0 bytes'],
  [4096, '4096 bytes', '4096 bytes'],
  [2 ** 20 - 1, '1048575 bytes', '1048575 bytes'],
  [2 ** 20, '1.0 MiB', '1.0 MiB (1048576 bytes)'],
  [2 ** 32, '4096.0 MiB', '4096.0 MiB (4294967296 bytes)'],
  [2 ** 32 + 64, '4096.0 MiB', '4096.0 MiB (4294967360 bytes)'],
])('%i bytes are %s, exactly %s', (bytes, size, exact) => {
  expect(formatBytes(bytes)).toBe(size);
  expect(formatBytesExactly(bytes)).toBe(exact);
});
