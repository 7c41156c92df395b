// `pnpm demo`: the way of a model from checkpoint to verified story, with the commands a user would type.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const commands = {
  'convert-weights': 'packages/converter/bin/convert-weights.js',
  'run-npu': 'packages/runtime/bin/run-npu.js',
  'verify-npu': 'packages/verify/bin/verify-npu.js',
};

function show(text) {
  process.stdout.write(`${text}\n`);
}

function run(line) {
  show(`\n$ ${line}`);
  const [command, ...args] = line.split(' ');
  const { status, signal } = spawnSync(process.execPath, [commands[command], ...args], { stdio: 'inherit' });
  if (status === 0) return;
  show(`\n${command} ended with ${signal ?? `status ${status}`}`);
  process.exit(status ?? 1);
}

mkdirSync('demo', { recursive: true });
show('Convert a llama2.c checkpoint to the layout of the NPU:');
run('convert-weights fixtures/tales/tales.bin -z fixtures/tales/tokenizer.bin -o demo/tales.npu --force');
show('\nTell a story with it. Every matrix product runs on the simulated NPU:');
run('run-npu demo/tales.npu --device sim -t 0 --stats');
show('\nCompare the NPU with an independent CPU reference, token by token:');
run('verify-npu demo/tales.npu --reference fixtures/tales/tales.bin --device sim -n 200');
show('\nAll of it worked. The model is in demo/tales.npu; try:');
show('  npx pnpm@12 exec run-npu demo/tales.npu -i "One day"');
