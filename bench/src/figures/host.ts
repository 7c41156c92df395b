import { kvDim, type ModelConfig } from '@npu-llama/format';
import { Sampler } from '@npu-llama/runtime';
import type { Bench, DecodeWindow } from '../bench.js';
import { BenchDevice } from '../device/bench-device.js';
import { bytesInUse, collectGarbage } from '../device/heap.js';
import { atMost, figure } from '../figure.js';
import type { Budget, Figure, PartResult } from '../results.js';
import { tokenBudget } from '../token-budget.js';

/** Tokens that a sample is the mean of. */
const TOKENS = 16;
/** Enough that what V8 keeps of code and feedback is settled. */
const WARM_UP_TOKENS = 32;
/** A heap's noise: some objects of V8's own, over the tokens of a sample. */
const HEAP_NOISE_BYTES = 128;

/** What the CPU does for a token, outside of the driver: in all, by stage, and what it copies and allocates. */
export async function host(bench: Bench): Promise<PartResult> {
  const figures: Figure[] = [];
  const budgets: Budget[] = [];
  {
    await using bed = await BenchDevice.open(bench);
    for (const [i, window] of bench.windows.entries()) {
      const goal = atMost(i === 0 ? 1.5 : 3);
      figures.push(...(await hostTime(bench, bed, window, i === 0 ? 'early' : 'late', goal)));
    }
    figures.push(await copied(bed), ...(await heap(bench, bed)), await sampling(bench, bed));
  }
  for (const { position } of bench.windows)
    budgets.push(await tokenBudget(bench, position - TOKENS / 2, TOKENS));
  return { figures, budgets };
}

async function hostTime(
  bench: Bench,
  bed: BenchDevice,
  { position }: DecodeWindow,
  id: string,
  goal: ReturnType<typeof atMost>,
): Promise<Figure[]> {
  const first = position - TOKENS / 2;
  await bed.fill(first);
  await bed.decode(first, TOKENS);
  const samples: Record<'host' | 'token', number[]> = { host: [], token: [] };
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(`host work at position ${position}: ${run + 1} of ${bench.runs}`);
    const before = bed.model.counters.deviceMs;
    const total = await bed.decode(first, TOKENS);
    samples.host.push((total - (bed.model.counters.deviceMs - before)) / TOKENS);
    samples.token.push(total / TOKENS);
  }
  return [
    figure({
      id: `host.${id}`,
      name: `host work a token, position ${position}`,
      unit: 'ms',
      samples: samples.host,
      goal,
      beside: [{ name: 'the whole token', samples: samples.token }],
    }),
  ];
}

/** Bytes copied to and from DMA memory, beside each activation in once as FP16 and each result out once as FP32. */
async function copied({ model, ...bed }: BenchDevice): Promise<Figure> {
  const before = model.counters;
  await bed.session.forward(1, 0);
  const after = model.counters;
  const bytes = after.bytesToDevice - before.bytesToDevice + (after.bytesFromDevice - before.bytesFromDevice);
  return figure({
    id: 'host.copied',
    name: 'bytes copied a token',
    unit: 'bytes',
    samples: [bytes],
    beside: [
      {
        name: 'each activation in, each result out once',
        samples: [necessaryBytes(model.config)],
        goal: atMost(1),
      },
    ],
  });
}

/** Inputs of the 4 layers + 1 products in FP16, their outputs in FP32. */
export function necessaryBytes(config: ModelConfig): number {
  const { dim, hiddenDim, layerCount, vocabSize } = config;
  const inputs = layerCount * (dim + dim + dim + hiddenDim) + dim;
  const outputs = layerCount * (dim + 2 * kvDim(config) + dim + 2 * hiddenDim + dim) + vocabSize;
  return inputs * 2 + outputs * 4;
}

/** What stays in use after collecting garbage, and what is allocated until then. */
async function heap(bench: Bench, bed: BenchDevice): Promise<Figure[]> {
  const kept: number[] = [];
  const allocated: number[] = [];
  await bed.fill(TOKENS);
  await bed.decode(TOKENS, WARM_UP_TOKENS);
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(`heap: ${run + 1} of ${bench.runs}`);
    collectGarbage();
    const before = bytesInUse();
    await bed.decode(TOKENS, TOKENS);
    const after = bytesInUse();
    collectGarbage();
    kept.push((bytesInUse() - before) / TOKENS);
    allocated.push(Math.max(0, after - before) / TOKENS);
  }
  return [
    figure({
      id: 'host.heap',
      name: 'heap growth a token',
      unit: 'bytes',
      samples: kept,
      goal: atMost(HEAP_NOISE_BYTES),
    }),
    figure({
      id: 'host.garbage',
      name: 'short-lived objects a token',
      unit: 'bytes',
      samples: allocated,
      note: 'of the heap, until the next collection',
    }),
  ];
}

/** Drawing from a nucleus, as run-npu does by default; greedy is part of the host work above. */
async function sampling(bench: Bench, bed: BenchDevice): Promise<Figure> {
  const logits = await bed.session.forward(1, 0);
  const sampler = new Sampler({ temperature: 1, topP: 0.9, seed: 1 });
  const samples: number[] = [];
  for (let run = -1; run < bench.runs; run++) {
    const start = performance.now();
    for (let i = 0; i < TOKENS; i++) sampler.sample(logits);
    // The first one compiles.
    if (run >= 0) samples.push(((performance.now() - start) / TOKENS) * 1000);
  }
  return figure({
    id: 'host.sampling',
    name: 'sampling, temperature 1, top-p 0.9',
    unit: 'us',
    samples,
    note: `of ${logits.length} logits`,
  });
}
