import { excessesOf, findDefect, type LogitsTolerances, Perplexity } from '../compare/index.js';
import type { Failure, Fork, PositionReport } from '../report/schema.js';
import {
  batchEnd,
  type Choice,
  type Draw,
  forkAt,
  isDeviceFailure,
  type LogitsSession,
  PairedDraws,
  type PromptComparison,
  refusalOf,
} from '../verify/index.js';
import type { GoldenPosition, GoldenPrompt } from './golden-file.js';
import { compareWithSketch, keptLogit } from './sketch.js';

export interface CheckPromptOptions {
  readonly prompt: GoldenPrompt;
  readonly npu: LogitsSession;
  readonly vocabSize: number;
  readonly tolerances: LogitsTolerances;
  /** How the runtime under test draws in free mode. */
  readonly npuDraw?: Draw;
  readonly signal?: AbortSignal;
  readonly onPosition?: (positionsDone: number) => void;
  /** Handed the NPU's logits of each position, [vocabSize] f32, valid during the call. */
  readonly onNpuLogits?: (position: number, logits: Float32Array) => void;
}

/**
 * Runs a recorded text on the device and compares every position with what was kept of the FP16-aware reference: no
 * reference runs. The record's tokens are fed; in free mode until the device would go another way.
 */
export async function checkPrompt(options: CheckPromptOptions): Promise<PromptComparison> {
  const { prompt, npu, vocabSize, signal, onPosition } = options;
  const { tokens, promptTokens } = prompt;
  const choose = prompt.mode === 'free' ? freeChoice(options) : undefined;
  const positions: PositionReport[] = [];
  const failures: Failure[] = [];
  const perplexity = new Perplexity();
  let fork: Fork | undefined;
  let over = false;
  let npuSeconds = 0;
  let refusedEnd = 0;
  let interrupted: unknown;
  for (let first = 0; first < tokens.length && !over; first = positions.length) {
    signal?.throwIfAborted();
    const end = batchEnd(first, promptTokens);
    const start = performance.now();
    let logits: Float32Array | undefined;
    try {
      logits = await orRefusal(npu.forward(tokens.slice(first, end), first), failures);
    } catch (error) {
      if (signal?.aborted || !isDeviceFailure(error)) throw error;
      interrupted = error;
      refusedEnd = end;
      break;
    }
    npuSeconds += (performance.now() - start) / 1000;
    if (logits === undefined) {
      refusedEnd = end;
      break;
    }
    for (let position = first; position < end; position++) {
      const whole = logits.length === (end - first) * vocabSize;
      const row = whole
        ? logits.subarray((position - first) * vocabSize, (position - first + 1) * vocabSize)
        : logits;
      options.onNpuLogits?.(position, row);
      const judged = judge(prompt, position, row, options);
      const choice = position < promptTokens - 1 ? undefined : choose?.(position, row);
      const { failure } = choice ?? {};
      positions.push(failure ? { ...judged, failures: [...judged.failures, failure] } : judged);
      fork = choice?.fork;
      over = choice !== undefined && choice.next === undefined;
      const following = over ? undefined : tokens[position + 1];
      if (following !== undefined && whole) perplexity.add(row, following);
    }
    onPosition?.(positions.length);
  }
  // The references' are of the whole text: next to those of a part they would mislead.
  const { fp32, fp16 } = positions.length === tokens.length ? prompt.perplexity : {};
  return {
    tokens: tokens.slice(0, positions.length),
    attempted: tokens.slice(0, Math.max(positions.length, refusedEnd)),
    positions,
    ...(interrupted !== undefined && { interrupted }),
    failures,
    fork,
    perplexity: { fp32, fp16, npu: perplexity.value },
    seconds: { fp32: 0, fp16: 0, npu: npuSeconds },
  };
}

function judge(
  { tokens, positions }: GoldenPrompt,
  position: number,
  row: Float32Array,
  { vocabSize, tolerances }: CheckPromptOptions,
): PositionReport {
  const kept = positions[position]!;
  const fed = {
    position,
    token: tokens[position]!,
    referenceToken: kept.referenceToken,
    cost: kept.cost,
    // What FP16 costs was found out when it was recorded; the device has no part in it.
    accuracy: excessesOf({ ...kept.cost, spread: kept.spread }, 'fp32', tolerances.fp32),
  };
  const defect = findDefect(row, vocabSize);
  if (defect !== undefined) return { ...fed, failures: [defect] };
  const fp16 = compareWithSketch(sketchIn(kept), row);
  return { ...fed, fp16, failures: excessesOf(fp16, 'fp16', tolerances.fp16) };
}

/** Optional fields as a Sketch has them. */
function sketchIn({ top, spread, logSumExp, projections }: GoldenPosition) {
  return { top, spread, logSumExp, ...(projections && { projections }) };
}

/** What the runtime draws, beside what the record went on with; it ends where the two part, as in chooser. */
function freeChoice({
  prompt: { tokens, positions, sampling },
  npuDraw,
  vocabSize,
}: CheckPromptOptions): (position: number, npu: Float32Array) => Choice {
  const draws = new PairedDraws(sampling && { ...sampling, seed: BigInt(sampling.seed) }, npuDraw);
  return (position, npu) => {
    if (findDefect(npu, vocabSize) !== undefined) return { next: undefined };
    const { token, failure } = draws.npu(npu);
    const wanted = tokens[position + 1];
    const fork =
      wanted === undefined || token === wanted
        ? undefined
        : forkAt(position, wanted, token, npu, other => keptLogit(positions[position]!, other));
    return { next: fork ? undefined : wanted, ...(fork && { fork }), ...(failure && { failure }) };
  };
}

async function orRefusal(
  forward: Promise<Float32Array>,
  failures: Failure[],
): Promise<Float32Array | undefined> {
  try {
    return await forward;
  } catch (error) {
    failures.push(refusalOf(error));
    return undefined;
  }
}
