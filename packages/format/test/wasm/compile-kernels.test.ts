import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FileError } from '../../src/index.js';
import { compileKernels } from '../../src/wasm/index.js';

describe('compiling kernels', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kernels-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const compile = (name: string) => () => compileKernels(pathToFileURL(join(folder, name)), 'a test');

  test('says how to make kernels that are missing', () => {
    expect(compile('none.wasm')).toThrow(FileError);
    expect(compile('none.wasm')).toThrow(/kernels of a test are missing.*pnpm build/s);
  });

  test('names a file that is no WebAssembly', () => {
    writeFileSync(join(folder, 'text.wasm'), 'text');
    expect(compile('text.wasm')).toThrow(FileError);
    expect(compile('text.wasm')).toThrow(/text\.wasm.*build again/s);
  });
});
