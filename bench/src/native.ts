import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildError, runChild } from './child.js';

/** A program compiled for this bench, or why there is none. */
export type Program = { readonly path: string } | { readonly missing: string };

/** The C programs of `native/`, compiled on the machine that is measured. */
export interface NativePrograms {
  /** First line of `cc --version`. */
  readonly compiler: string | null;
  /** The plain forward pass: gcc -O3. */
  readonly plain: Program;
  /** -Ofast -march=native, one thread. */
  readonly fast: Program;
  /** The same with OpenMP. */
  readonly openmp: Program;
  readonly bandwidth: Program;
}

const PROGRAMS = {
  plain: { source: 'baseline.c', flags: ['-O3'] },
  fast: { source: 'baseline.c', flags: ['-Ofast', '-march=native'] },
  openmp: { source: 'baseline.c', flags: ['-Ofast', '-march=native', '-fopenmp'] },
  bandwidth: { source: 'bandwidth.c', flags: ['-O3', '-march=native', '-fopenmp'] },
} as const;

/** What the builds are called in tables. */
export const BUILD_NAMES = {
  plain: 'C, -O3',
  fast: 'C, -Ofast -march=native',
  openmp: 'C, -Ofast -march=native -fopenmp',
} as const;

/** Compiles all of them with the system's compiler (`CC`, else cc). */
export async function compilePrograms(folder: string, signal: AbortSignal): Promise<NativePrograms> {
  const cc = process.env['CC'] || 'cc';
  const compiler = await compilerVersion(cc, signal);
  if (compiler === null) {
    const missing = { missing: `no C compiler (${cc})` };
    return { compiler, plain: missing, fast: missing, openmp: missing, bandwidth: missing };
  }
  const build = async (name: keyof typeof PROGRAMS): Promise<Program> => {
    const { source, flags } = PROGRAMS[name];
    const path = join(folder, name);
    // From dist/src.
    const sourcePath = fileURLToPath(new URL(`../../native/${source}`, import.meta.url));
    try {
      await runChild(cc, [...flags, '-Wno-unknown-pragmas', '-o', path, sourcePath, '-lm'], { signal });
      return { path };
    } catch (error) {
      if (!(error instanceof ChildError)) throw error;
      return { missing: `${cc} cannot compile with ${flags.join(' ')}` };
    }
  };
  const names = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];
  const built = await Promise.all(names.map(async name => [name, await build(name)] as const));
  return { compiler, ...(Object.fromEntries(built) as Record<keyof typeof PROGRAMS, Program>) };
}

async function compilerVersion(cc: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { stdout } = await runChild(cc, ['--version'], { signal });
    return stdout.split('\n')[0] || cc;
  } catch (error) {
    if (!(error instanceof ChildError)) throw error;
    return null;
  }
}
