// The AssemblyScript kernels: packages/*/assembly -> WebAssembly beside the compiled module that loads them, so that they are
// packed with it and found in the same way everywhere.
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const packages = fileURLToPath(new URL('../packages', import.meta.url));

/** A page is 64 KiB. The loader makes the memory as large as it needs; what is declared here is the most that it may. */
const memory = ['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'];
/** With worker threads that take part. */
const shared = ['--enable', 'threads', '--sharedMemory'];

/** Tables of zeros need not be in the file where the memory is new. */
const zeroed = ['--zeroFilledMemory'];

const modules = [
  { folder: 'converter/assembly', target: 'converter/dist/src/kernels.wasm', options: shared },
  { folder: 'runtime/assembly', target: 'runtime/dist/src/kernels/kernels.wasm', options: [] },
  { folder: 'verify/assembly', target: 'verify/dist/src/reference/kernels.wasm', options: shared },
  { folder: 'runtime/assembly-sampler', target: 'runtime/dist/src/text/sampler.wasm', options: zeroed },
  {
    folder: 'verify/assembly',
    entry: 'attention.ts',
    target: 'verify/dist/src/reference/attention.wasm',
    options: [],
  },
];

for (const { folder, entry = 'kernels.ts', target, options } of modules) {
  await build(join(packages, folder), entry, join(packages, target), options);
}

async function build(sources, entry, target, options) {
  if (isUpToDate(sources, target)) return;
  mkdirSync(dirname(target), { recursive: true });
  const features = ['simd', 'bulk-memory'].flatMap(feature => ['--enable', feature]);
  const small = ['--runtime', 'stub', '--noAssert'];
  // Under another name until it is whole: another build may be running, and this one may be interrupted.
  const whole = `${target}.${process.pid}.tmp`;
  const args = ['-O3', ...features, ...memory, ...options, ...small, '--outFile', whole];
  const { error, stderr } = await asc.main([join(sources, entry), ...args]);
  if (error) {
    process.stderr.write(`${stderr}\n`);
    process.exit(1);
  }
  renameSync(whole, target);
}

function isUpToDate(sources, target) {
  const built = statSync(target, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const inputs = [fileURLToPath(import.meta.url), ...readdirSync(sources).map(name => join(sources, name))];
  return inputs.every(path => statSync(path).mtimeMs < built.mtimeMs);
}
