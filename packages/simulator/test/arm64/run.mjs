// pnpm --filter @npu-llama/simulator test:arm64: the library and its C clients built for arm64 and run under qemu, NEON
// engine included. Needs aarch64-linux-gnu-gcc and qemu-aarch64-static (Debian: gcc-aarch64-linux-gnu qemu-user-static).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const native = join(here, '../../native');
const directory = mkdtempSync(join(tmpdir(), 'npu-sim-arm64-'));
const compiler = 'aarch64-linux-gnu-gcc';
const emulator = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'];
const flags = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-U_FORTIFY_SOURCE',
  '-O3',
  '-pthread',
  '-Wall',
  '-Wextra',
  '-Werror',
];

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw new Error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

try {
  const sources = readdirSync(native)
    .filter(name => name.endsWith('.c'))
    .map(name => join(native, name));
  const [library, client, engines] = ['libnpu_sim.so', 'matmul', 'engines'].map(name =>
    join(directory, name),
  );
  run(compiler, ...flags, '-fPIC', '-shared', '-fvisibility=hidden', ...sources, '-o', library, '-ldl');
  run(compiler, ...flags, join(here, '../client/matmul.c'), '-o', client);
  run(
    compiler,
    ...flags,
    ...sources.filter(path => !path.endsWith('preload.c')),
    join(here, 'engines.c'),
    '-o',
    engines,
    '-lm',
  );
  run(...emulator, engines);
  run(...emulator, '-E', `LD_PRELOAD=${library}`, client);
} finally {
  rmSync(directory, { recursive: true });
}
