// The AssemblyScript kernels of the CPU reference: packages/verify/assembly -> packages/verify/dist/src/reference/kernels.wasm.
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const verify = fileURLToPath(new URL('../packages/verify', import.meta.url));
const sources = join(verify, 'assembly');
// Beside the compiled loader, so that it is packed with it and found in the same way everywhere.
const target = join(verify, 'dist/src/reference/kernels.wasm');

function isUpToDate() {
  const built = statSync(target, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const inputs = [fileURLToPath(import.meta.url), ...readdirSync(sources).map(name => join(sources, name))];
  return inputs.every(path => statSync(path).mtimeMs < built.mtimeMs);
}

if (!isUpToDate()) {
  mkdirSync(dirname(target), { recursive: true });
  const features = ['simd', 'bulk-memory', 'threads'].flatMap(feature => ['--enable', feature]);
  // Shared, so that worker threads can take part; the loader makes it as large as the model needs, 4 GiB at most.
  const memory = ['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'];
  const small = ['--runtime', 'stub', '--noAssert'];
  // Under another name until it is whole: another build may be running, and this one may be interrupted.
  const whole = `${target}.${process.pid}.tmp`;
  const args = [join(sources, 'kernels.ts'), '-O3', ...features, ...memory, ...small, '--outFile', whole];
  const { error, stderr } = await asc.main(args);
  if (error) {
    process.stderr.write(`${stderr}\n`);
    process.exit(1);
  }
  renameSync(whole, target);
}
