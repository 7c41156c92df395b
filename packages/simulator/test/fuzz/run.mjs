// pnpm --filter @npu-llama/simulator fuzz [iterations] [seed]: random programs and ioctls under the address and
// undefined-behaviour sanitizers, every M with the widest K on every engine under the same, then several threads at once
// under the thread sanitizer.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const native = join(here, '../../native');
const directory = mkdtempSync(join(tmpdir(), 'npu-sim-fuzz-'));

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw new Error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

function sanitized(name, sanitizers) {
  // Without preload.c: the sanitizers interpose the same names.
  const sources = readdirSync(native).filter(file => file.endsWith('.c') && file !== 'preload.c');
  const flags = [
    '-std=c11',
    '-D_GNU_SOURCE',
    '-O1',
    '-Wall',
    '-Wextra',
    '-g',
    '-pthread',
    '-fno-omit-frame-pointer',
  ];
  const files = [...sources.map(file => join(native, file)), join(here, `${name}.c`)];
  const program = join(directory, name);
  run(process.env['CC'] || 'cc', [...flags, ...sanitizers, ...files, '-o', program]);
  return program;
}

try {
  const noRecovery = '-fno-sanitize-recover=all';
  const memory = ['-fsanitize=address,undefined', noRecovery];
  run(sanitized('fuzz', memory), process.argv.slice(2));
  run(sanitized('widest', memory), []);
  run(sanitized('threads', ['-fsanitize=thread', noRecovery]), []);
} finally {
  rmSync(directory, { recursive: true });
}
