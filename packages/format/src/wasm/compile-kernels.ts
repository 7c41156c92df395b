import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errnoName, FileError, fileErrorFrom } from '../errors.js';
import { type WasmModule, WebAssembly } from './web-assembly.js';

/**
 * Compiles WebAssembly kernels that `pnpm build` made of a package's assembly folder.
 * @param whose for messages: `the CPU reference`
 * @throws FileError when the file is missing or no kernels for this processor
 */
export function compileKernels(url: URL, whose: string): WasmModule {
  const path = fileURLToPath(url);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw fileErrorFrom(error, path, 'read');
    throw new FileError(path, `the kernels of ${whose} are missing`, {
      next: 'make them with `pnpm build`',
      cause: error,
    });
  }
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    throw new FileError(path, 'not kernels that this Node can run', {
      next: 'build again; they need WebAssembly with SIMD (and threads, for those of the CPU reference)',
      cause: error,
    });
  }
}
