import { generate, Sampler } from '@npu-llama/runtime';
import type { Bench } from '../bench.js';
import { BenchDevice, promptTokens } from '../device/bench-device.js';
import { longestWait } from '../event-loop-wait.js';
import { atMost, figure } from '../figure.js';
import type { PartResult } from '../results.js';
import { inTurns } from '../turns.js';
import { amountText } from '../units.js';

const PROMPT_TOKENS = 256;
const DRAWN_TOKENS = 64;

/** How long a server keeps others waiting while it loads and generates, with the device in a worker thread and without. */
export async function eventLoop(bench: Bench): Promise<PartResult> {
  const loads = await waitsOfLoading(bench);
  await using inWorker = await BenchDevice.open(bench, { worker: true });
  await using here = await BenchDevice.open(bench);
  const { seqLen } = here.session.config;
  const promptCount = Math.min(PROMPT_TOKENS, Math.floor(seqLen / 2));
  const drawnCount = Math.min(DRAWN_TOKENS, seqLen - promptCount);
  const generation = (bed: BenchDevice) => () => longestWait(() => run(bed, promptCount, drawnCount));
  // Compiles what will be measured.
  for (const bed of [here, inWorker]) await generation(bed)();
  const waits = await inTurns(bench.runs, { worker: generation(inWorker), here: generation(here) }, turn =>
    bench.progress(`event loop: ${turn + 1} of ${bench.runs}`),
  );
  const rates = await inTurns(bench.runs, {
    worker: () => inWorker.decodeRate(promptCount, drawnCount),
    here: () => here.decodeRate(promptCount, drawnCount),
  });
  const without = 'without a worker';
  return {
    figures: [
      figure({
        id: 'event-loop',
        name: `longest wait of others, prompt of ${promptCount} and ${drawnCount} drawn, in a worker`,
        unit: 'ms',
        samples: waits.worker!,
        goal: atMost(20),
        note: worst(waits.worker!),
        beside: [{ name: without, samples: waits.here }],
      }),
      figure({
        id: 'event-loop.load',
        name: 'longest wait of others while a device is opened and a model loaded, in a worker',
        unit: 'ms',
        samples: loads.worker!,
        goal: atMost(20),
        note: worst(loads.worker!),
        beside: [{ name: without, samples: loads.here }],
      }),
      figure({
        id: 'event-loop.decode',
        name: `decode behind position ${promptCount}, in a worker`,
        unit: 'tok/s',
        samples: rates.worker!,
        beside: [{ name: without, samples: rates.here }],
      }),
    ],
  };
}

function worst(samples: readonly number[]): string {
  return `${amountText(Math.max(...samples), 'ms')} in the worst of ${samples.length} runs`;
}

/** Longest waits while a device is opened and a model loaded. */
function waitsOfLoading(bench: Bench): Promise<Record<'worker' | 'here', number[] | undefined>> {
  const loading = (worker: boolean) => () =>
    longestWait(async () => {
      await using _ = await BenchDevice.open(bench, { worker });
    });
  return inTurns(bench.runs, { worker: loading(true), here: loading(false) }, turn =>
    bench.progress(`event loop while loading: ${turn + 1} of ${bench.runs}`),
  );
}

/** A text as a server makes it. */
async function run({ model, session }: BenchDevice, promptCount: number, drawnCount: number): Promise<void> {
  const { tokenizer, config } = model;
  const prompt = promptTokens(promptCount, config.vocabSize);
  const sampler = new Sampler({ seed: 1 });
  if (tokenizer === undefined) {
    // The same without the words.
    let logits = await session.forwardBatch(prompt, 0, { logits: 'last' });
    for (let position = promptCount; position < promptCount + drawnCount; position++) {
      await new Promise(resolve => setImmediate(resolve));
      logits = await session.forward(sampler.sample(logits), position);
    }
    return;
  }
  const options = { tokenizer, sampler, prompt, steps: promptCount + drawnCount };
  for await (const _ of generate(session, options));
}
