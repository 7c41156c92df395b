import { CheckpointFile } from '@npu-llama/format';
import { loadReferenceWeights, ReferenceSession } from '@npu-llama/verify';
import type { Bench } from '../bench.js';
import { promptTokens } from '../device/bench-device.js';
import { atLeast, figure } from '../figure.js';
import { llama2cContestant } from '../llama2c.js';
import { BUILD_NAMES } from '../native.js';
import type { PartResult } from '../results.js';
import { inTurns } from '../turns.js';

const FORCED_POSITIONS = 128;
const SINGLE_POSITIONS = 64;

/** The FP32 reference, a position at a time and many at once, beside C on one thread. */
export async function verify(bench: Bench): Promise<PartResult> {
  const { checkpoint, config } = bench.files;
  if (checkpoint === undefined) {
    return {
      figures: [{ id: 'verify', name: 'FP32 reference', notMeasured: 'no checkpoint (--checkpoint)' }],
    };
  }
  using file = CheckpointFile.open(checkpoint);
  const weights = await loadReferenceWeights(file, { signal: bench.signal });
  // Those that compute its products, if any do.
  await using _threads = 'threads' in weights ? (weights.threads as AsyncDisposable) : undefined;
  const batch = Math.min(FORCED_POSITIONS, config.seqLen);
  const steps = Math.min(SINGLE_POSITIONS, config.seqLen);
  const session = new ReferenceSession(weights, batch);
  const tokens = promptTokens(batch, config.vocabSize);
  const rate = async (count: number, run: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await run();
    return (count / (performance.now() - start)) * 1000;
  };
  const single = (): Promise<number> =>
    rate(steps, async () => {
      for (const [position, token] of tokens.slice(0, steps).entries())
        await session.forward([token], position);
    });
  const batched = (): Promise<number> => rate(batch, () => session.forward(tokens, 0));
  // Compiles what will be measured.
  await batched();
  const samples = await inTurns(
    bench.runs,
    {
      single,
      batched,
      fast: llama2cContestant(bench.programs.fast, { checkpoint, steps, signal: bench.signal }),
    },
    turn => bench.progress(`FP32 reference: ${turn + 1} of ${bench.runs}`),
  );
  const beside = (bound: number) => [
    { name: `${BUILD_NAMES.fast}, 1 thread`, samples: samples.fast, goal: atLeast(bound) },
  ];
  return {
    figures: [
      figure({
        id: 'verify.single',
        name: 'FP32 reference, a position at a time',
        unit: 'tok/s',
        samples: samples.single!,
        beside: beside(1),
      }),
      figure({
        id: 'verify.batched',
        name: `FP32 reference, ${batch} forced positions`,
        unit: 'tok/s',
        samples: samples.batched!,
        beside: beside(3),
      }),
    ],
  };
}
