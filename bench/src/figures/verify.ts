import { CheckpointFile } from '@npu-llama/format';
import { loadReferenceWeights, ReferenceSession, Threads } from '@npu-llama/verify';
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
  await using threads = new Threads();
  const weights = await loadReferenceWeights(file, { threads, signal: bench.signal });
  await using alone = new Threads(1);
  const batch = Math.min(FORCED_POSITIONS, config.seqLen);
  const steps = Math.min(SINGLE_POSITIONS, config.seqLen);
  const tokens = promptTokens(batch, config.vocabSize);
  const many = new ReferenceSession(weights, batch);
  const one = new ReferenceSession({ ...weights, threads: alone }, batch);
  const rate = async (count: number, run: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await run();
    return (count / (performance.now() - start)) * 1000;
  };
  const single = (session: ReferenceSession) => (): Promise<number> =>
    rate(steps, async () => {
      for (const [position, token] of tokens.slice(0, steps).entries())
        await session.forward([token], position);
    });
  const batched = (session: ReferenceSession) => (): Promise<number> =>
    rate(batch, () => session.forward(tokens, 0));
  // Compiles what will be measured, and starts the threads.
  for (const session of [one, many]) await batched(session)();
  const samples = await inTurns(
    bench.runs,
    {
      single: single(many),
      singleAlone: single(one),
      batched: batched(many),
      batchedAlone: batched(one),
      fast: llama2cContestant(bench.programs.fast, { checkpoint, steps, signal: bench.signal }),
    },
    turn => bench.progress(`FP32 reference: ${turn + 1} of ${bench.runs}`),
  );
  const fast = { name: `${BUILD_NAMES.fast}, 1 thread`, samples: samples.fast };
  return {
    figures: [
      figure({
        id: 'verify.single',
        name: `FP32 reference, a position at a time, ${threads.count} threads`,
        unit: 'tok/s',
        samples: samples.single!,
        beside: [
          { ...fast, goal: atLeast(1) },
          { name: 'the same on 1 thread', samples: samples.singleAlone },
        ],
      }),
      figure({
        id: 'verify.batched',
        name: `FP32 reference, ${batch} forced positions, ${threads.count} threads`,
        unit: 'tok/s',
        samples: samples.batched!,
        beside: [
          { ...fast, goal: atLeast(3) },
          { name: 'the same on 1 thread', samples: samples.batchedAlone },
        ],
      }),
    ],
  };
}
