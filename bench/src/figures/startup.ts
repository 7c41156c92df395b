import { join } from 'node:path';
import { talesFixture } from '@npu-llama/fixtures';
import type { Bench } from '../bench.js';
import { commandScript, runChild } from '../child.js';
import { atMost, figure } from '../figure.js';
import { convertFile } from '../prepare.js';
import type { PartResult } from '../results.js';
import { inTurns } from '../turns.js';

/** `run-npu` on the fixture, from its start to the first byte of text, beside Node doing nothing. */
export async function startup(bench: Bench): Promise<PartResult> {
  const { runs, signal, device } = bench;
  const model = join(bench.folder, 'startup.npu');
  await convertFile(talesFixture.checkpoint, model, { tokenizer: talesFixture.tokenizer, signal });
  const options = [
    '--device',
    device.kind,
    ...(device.path === undefined ? [] : ['--device-path', device.path]),
  ];
  const args = [commandScript('runtime', 'run-npu'), model, '-t', '0', '-n', '16', ...options];
  const samples = await inTurns(
    runs,
    {
      run: async () => (await runChild(process.execPath, args, { signal })).firstByteMs,
      node: async () => (await runChild(process.execPath, ['-e', ''], { signal })).milliseconds,
    },
    turn => bench.progress(`start-up: ${turn + 1} of ${runs}`),
  );
  return {
    figures: [
      figure({
        id: 'startup',
        name: 'run-npu to the first text, fixture',
        unit: 'ms',
        samples: samples.run!,
        goal: atMost(500),
        beside: [{ name: 'node -e ""', samples: samples.node }],
      }),
    ],
  };
}
