import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// dist/test/text/support -> test/text/native
const SOURCES = fileURLToPath(new URL('../../../../test/text/native/', import.meta.url));

/** Compiles native/<name>.c into a folder with CC (else cc) and -O3, as llama2.c is; what comes back runs it: stdin to stdout. */
export function compileC(name: string, folder: string): (input: Uint8Array) => Buffer {
  const program = join(folder, name);
  const source = join(SOURCES, `${name}.c`);
  const cc = process.env['CC'] || 'cc';
  const compiled = spawnSync(cc, ['-O3', '-Wall', '-Wextra', '-Werror', source, '-o', program, '-lm'], {
    encoding: 'utf8',
  });
  if (compiled.status !== 0)
    throw new Error(`cannot compile ${source}: ${compiled.error ?? compiled.stderr}`);
  return input => {
    const { status, stdout } = spawnSync(program, { input, maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`${program} ended with ${status}`);
    return stdout;
  };
}

export function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
