import { argmax, compareLogits, Perplexity } from '../compare/index.js';
import { ReferenceSession, type ReferenceWeights } from '../reference/index.js';
import { chooser, type Prompt, planPositions, requireFinite } from '../verify/index.js';
import type { GoldenPosition, GoldenPrompt } from './golden-file.js';
import { sketchOf } from './sketch.js';

/** Positions that the FP16-aware reference goes over together. */
const CHUNK = 64;
/** From here on not every position is sampled: a fault that shows nowhere in a text's beginning is rare. */
const SAMPLED_AT_FIRST = 16;
const SAMPLED_EVERY = 8;

export interface RecordOptions {
  readonly weights: ReferenceWeights;
  readonly prompt: Prompt;
  readonly signal?: AbortSignal;
  readonly onPosition?: (positionsDone: number) => void;
}

/** Whether a position's logits are kept as projections too, not just the highest of them. */
function isSampled(position: number): boolean {
  return position < SAMPLED_AT_FIRST || position % SAMPLED_EVERY === 0;
}

/**
 * Lets the FP32 reference write a text and keeps what the FP16-aware one says at every position of it.
 * @throws FileError where a reference's own logits are not finite, UsageError for a prompt that does not fit the model
 */
export async function recordPrompt(options: RecordOptions): Promise<GoldenPrompt> {
  const { weights, prompt, signal } = options;
  const tokens = await writeText(options);
  const fp16 = new ReferenceSession(weights, tokens.fed.length, { arithmetic: 'fp16' });
  const { vocabSize } = weights.config;
  const perplexity = { fp32: tokens.perplexity, fp16: new Perplexity() };
  const positions: GoldenPosition[] = [];
  for (let first = 0; first < tokens.fed.length; first += CHUNK) {
    const batch = tokens.fed.slice(first, first + CHUNK);
    const logits = await fp16.forward(batch, first, { logits: 'all', ...(signal && { signal }) });
    for (const i of batch.keys()) {
      const position = first + i;
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      requireFinite(row, weights, position);
      const reference = tokens.logits[position]!;
      const { margin, relativeRms, klDivergence } = compareLogits(reference, row);
      positions.push({
        referenceToken: argmax(reference),
        cost: { margin, relativeRms, klDivergence },
        ...mutable(sketchOf(row, isSampled(position))),
      });
      const following = tokens.fed[position + 1];
      if (following !== undefined) perplexity.fp16.add(row, following);
    }
  }
  return {
    number: prompt.number,
    name: prompt.name,
    text: prompt.text,
    mode: prompt.mode,
    ...(prompt.sampling && {
      sampling: { ...prompt.sampling, seed: String(prompt.sampling.seed) },
    }),
    promptTokens: prompt.tokens.length,
    tokens: tokens.fed,
    perplexity: definedOnly({ fp32: perplexity.fp32.value, fp16: perplexity.fp16.value }),
    positions,
  };
}

/** The FP32 reference's text: every token fed, and its logits at each. */
async function writeText({ weights, prompt, signal, onPosition }: RecordOptions) {
  const positionCount = planPositions(prompt, weights.config);
  const { vocabSize } = weights.config;
  const session = new ReferenceSession(weights, positionCount);
  const choose = chooser(prompt.mode, prompt.sampling);
  const fed: number[] = [];
  const logits: Float32Array[] = [];
  const perplexity = new Perplexity();
  let batch = prompt.tokens.slice(0, CHUNK);
  while (batch.length > 0) {
    signal?.throwIfAborted();
    const all = await session.forward(batch, fed.length, { logits: 'all', ...(signal && { signal }) });
    for (const [i, token] of batch.entries()) {
      if (logits.length > 0) perplexity.add(logits[logits.length - 1]!, token);
      const row = all.slice(i * vocabSize, (i + 1) * vocabSize);
      requireFinite(row, weights, fed.length);
      logits.push(row);
      fed.push(token);
    }
    onPosition?.(fed.length);
    const last = logits[logits.length - 1]!;
    if (fed.length < prompt.tokens.length) batch = prompt.tokens.slice(fed.length, fed.length + CHUNK);
    else {
      const { next } = choose(fed.length - 1, last, last);
      batch = next === undefined || fed.length === positionCount ? [] : [next];
    }
  }
  return { fed, logits, perplexity };
}

function mutable(
  sketch: ReturnType<typeof sketchOf>,
): Pick<GoldenPosition, 'top' | 'spread' | 'logSumExp' | 'projections'> {
  const { top, projections, ...rest } = sketch;
  return {
    ...rest,
    top: top.map(([token, logit]): [number, number] => [token, logit]),
    ...(projections && { projections: [...projections] }),
  };
}

function definedOnly(figures: {
  readonly fp32: number | undefined;
  readonly fp16: number | undefined;
}): GoldenPrompt['perplexity'] {
  return {
    ...(figures.fp32 !== undefined && { fp32: figures.fp32 }),
    ...(figures.fp16 !== undefined && { fp16: figures.fp16 }),
  };
}
