import { expect, test } from '@jest/globals';
import { createMemory, WasmMemoryError } from '../../src/wasm/index.js';

test('a memory has whole pages of 64 KiB, shared or not', () => {
  // By name: another realm's under jest.
  expect(createMemory(1, 'a test').buffer.constructor.name).toBe('ArrayBuffer');
  expect(createMemory(1, 'a test', 'shared').buffer.constructor.name).toBe('SharedArrayBuffer');
  expect(createMemory(65536, 'a test').buffer.byteLength).toBe(65536);
  expect(createMemory(65537, 'a test').buffer.byteLength).toBe(131072);
});

test.each([undefined, 'shared'] as const)(
  'a refused memory is an error that says what helps (%p)',
  sharing => {
    // More pages than WebAssembly knows: refused on every machine.
    const refused = (): unknown =>
      sharing === undefined ? createMemory(2 ** 33, 'a test') : createMemory(2 ** 33, 'a test', sharing);
    expect(refused).toThrow(WasmMemoryError);
    expect(refused).toThrow(
      /^no memory for a test: got 8192\.0 MiB \(8589934592 bytes\) needed; .*ulimit -v/,
    );
  },
);
