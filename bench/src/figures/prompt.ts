import type { Bench } from '../bench.js';
import { BenchDevice, promptTokens } from '../device/bench-device.js';
import { atLeast, figure } from '../figure.js';
import type { PartResult } from '../results.js';
import { inTurns } from '../turns.js';

const PROMPT_TOKENS = 256;
const DECODED_TOKENS = 16;

/** A prompt in batches, beside decoding the tokens that follow it. */
export async function prompt(bench: Bench): Promise<PartResult> {
  await using bed = await BenchDevice.open(bench);
  const { session } = bed;
  const { vocabSize, seqLen } = session.config;
  const count = Math.min(PROMPT_TOKENS, seqLen - DECODED_TOKENS);
  const tokens = promptTokens(count, vocabSize);
  const runPrompt = async (): Promise<number> => {
    const start = performance.now();
    await session.forwardBatch(tokens, 0, { logits: 'last' });
    return (count / (performance.now() - start)) * 1000;
  };
  // Compiles what will be measured.
  await runPrompt();
  await bed.decode(count, DECODED_TOKENS);
  const samples = await inTurns(
    bench.runs,
    { prompt: runPrompt, decode: () => bed.decodeRate(count, DECODED_TOKENS) },
    turn => bench.progress(`prompt: ${turn + 1} of ${bench.runs}`),
  );
  return {
    figures: [
      figure({
        id: 'prompt',
        name: `prompt of ${count} tokens`,
        unit: 'tok/s',
        samples: samples.prompt!,
        beside: [{ name: 'decoding behind it', samples: samples.decode, goal: atLeast(5) }],
        note: `up to ${bed.model.maxRows} rows a job`,
      }),
    ],
  };
}
