import { afterAll, describe, expect, test } from '@jest/globals';
import { readCmaInfo } from '../../src/driver/cma.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());

describe('readCmaInfo', () => {
  test("reads the kernel's figures, in bytes", () => {
    const path = folder.write(
      'board',
      'MemTotal:  8000000 kB\nCmaTotal:         524288 kB\nCmaFree:            1024 kB\n',
    );
    expect(readCmaInfo(path)).toEqual({ totalBytes: 512 * 2 ** 20, freeBytes: 2 ** 20 });
  });

  test.each([
    ['a kernel without CMA', 'MemTotal:  8000000 kB\n'],
    ['half of it', 'CmaTotal:  524288 kB\n'],
    ['an empty file', ''],
  ])('says nothing for %s', (_, text) => {
    expect(readCmaInfo(folder.write('meminfo', text))).toBeUndefined();
  });

  test('says nothing where there is no such file', () => {
    expect(readCmaInfo(folder.file('missing'))).toBeUndefined();
  });
});
