import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { SIMULATOR_ENTRY_POINTS, simulatorLibraryPath } from '../src/index.js';

const native = fileURLToPath(new URL('../../native', import.meta.url));

/** A copy of the package's native folder in a place of its own, built there. */
function withCopy(
  run: (directory: string, build: (env?: NodeJS.ProcessEnv) => ReturnType<typeof spawnSync>) => void,
): void {
  const directory = mkdtempSync(join(tmpdir(), 'npu-sim-build-'));
  try {
    cpSync(native, join(directory, 'native'), { recursive: true });
    run(directory, (env = {}) =>
      spawnSync(process.execPath, [join(directory, 'native', 'build.mjs')], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
      }),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the library exists and exports every entry point', () => {
  const path = simulatorLibraryPath();
  expect(isAbsolute(path)).toBe(true);
  const symbols = execFileSync('nm', ['-D', '--defined-only', path], { encoding: 'utf8' });
  for (const name of Object.values(SIMULATOR_ENTRY_POINTS))
    expect(symbols).toMatch(new RegExp(` T ${name}$`, 'm'));
});

test('compiles without a warning', () => {
  withCopy((directory, build) => {
    const result = build({ NPU_SIM_WERROR: '1' });
    expect(result.stderr).toBe('');
    expect(readdirSync(join(directory, 'lib')).sort()).toEqual(['libnpu_sim.so', 'libnpu_sim.so.id']);
  });
});

test('an install without a compiler says one line and goes on', () => {
  withCopy((directory, build) => {
    const result = build({ CC: 'no-such-compiler' });
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(
      /^@npu-llama\/simulator: cannot build the simulated NPU: no C compiler "no-such-compiler"\. Install one .*\n$/,
    );
    expect(readdirSync(join(directory, 'lib'))).toEqual([]);
  });
});

test('removes what a killed build left, and leaves what a running one writes', () => {
  withCopy((directory, build) => {
    const lib = join(directory, 'lib');
    mkdirSync(lib);
    // A process that has ended, waited for: its number is nobody's.
    const { pid: ended } = spawnSync(process.execPath, ['--version']);
    const running = [`libnpu_sim.so.${process.pid}.tmp`, `libnpu_sim.so.id.${process.ppid}.tmp`];
    const others = ['libnpu_sim.so.tmp', `other.${ended}.tmp`];
    const young = `libnpu_sim-1b.so.${ended}.tmp`;
    const stale = [
      `libnpu_sim.so.${ended}.tmp`,
      `libnpu_sim.so.id.${ended}.tmp`,
      `libnpu_sim-0a.so.${ended}.tmp`,
    ];
    const longAgo = new Date(0);
    for (const name of [...running, ...others, ...stale]) {
      writeFileSync(join(lib, name), '');
      utimesSync(join(lib, name), longAgo, longAgo);
    }
    // Perhaps of a process in another container.
    writeFileSync(join(lib, young), '');
    expect(build().stderr).toBe('');
    expect(readdirSync(lib).sort()).toEqual(
      [...running, ...others, young, 'libnpu_sim.so', 'libnpu_sim.so.id'].sort(),
    );
  });
});

test('the pool of threads compiles without the mutex that only glibc has', () => {
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  const flags = ['-std=gnu11', '-D_GNU_SOURCE', ...warnings, '-fsyntax-only', '-I', native, '-x', 'c', '-'];
  // As musl's header leaves it: pool.c includes it again, and that does nothing.
  for (const line of ['', '#undef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP']) {
    const input = `#include <pthread.h>\n${line}\n#include "pool.c"\n`;
    const { status, stderr } = spawnSync(process.env['CC'] || 'cc', flags, { input, encoding: 'utf8' });
    expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: '' });
  }
});

test('says which folders it tried when none can be written', () => {
  withCopy((directory, build) => {
    // A file in the folder's place: permissions do not stop root.
    writeFileSync(join(directory, 'lib'), '');
    writeFileSync(join(directory, 'cache'), '');
    const result = build({ XDG_CACHE_HOME: join(directory, 'cache') });
    expect(result.stderr).toMatch(
      /^@npu-llama\/simulator: cannot build the simulated NPU: neither .*lib nor .*cache\/npu-llama can be written \(ENOTDIR\)\. [^\n]*\n$/,
    );
    expect(result.status).toBe(0);
  });
});

test('a compiler that fails is quoted, and leaves no half a library', () => {
  withCopy((directory, build) => {
    const result = build({ CC: 'cc -include no-such-header.h' });
    expect(result.stderr).toContain('no-such-header.h');
    expect(readdirSync(join(directory, 'lib'))).toEqual([]);
  });
});
