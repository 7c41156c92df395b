import type { Bench } from '../bench.js';
import { childScript, runChild } from '../child.js';
import { atMost, figure } from '../figure.js';
import type { PartResult } from '../results.js';
import { inTurns } from '../turns.js';

/** Loading a model, each time in a new process as users do, beside reading its file. */
export async function load(bench: Bench): Promise<PartResult> {
  const { signal, runs, files, device } = bench;
  const node = async (script: string, ...args: string[]): Promise<Record<string, number>> =>
    JSON.parse((await runChild(process.execPath, [childScript(script), ...args], { signal })).stdout);
  const openings: number[] = [];
  const samples = await inTurns(
    runs,
    {
      load: async () => {
        const { openMs, loadMs } = await node('load-model', JSON.stringify(device), files.npu);
        openings.push(openMs!);
        return loadMs!;
      },
      read: async () => (await node('read-file', files.npu))['readMs']!,
      dd: async () =>
        (await runChild('dd', [`if=${files.npu}`, 'of=/dev/null', 'bs=1M', 'status=none'], { signal }))
          .milliseconds,
    },
    turn => bench.progress(`load: ${turn + 1} of ${runs}`),
  );
  return {
    figures: [
      figure({
        id: 'load',
        name: 'load, to ready to run',
        unit: 'ms',
        samples: samples.load!,
        beside: [
          { name: 'reading the file into fresh memory', samples: samples.read, goal: atMost(2) },
          { name: 'dd to /dev/null', samples: samples.dd },
        ],
      }),
      figure({ id: 'load.open', name: 'open the device, with its check', unit: 'ms', samples: openings }),
    ],
  };
}
