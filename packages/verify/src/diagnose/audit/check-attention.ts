import type { Sign } from '../signs/sign.js';
import type { StepOutcome } from './check-norm.js';
import { type AttentionInputs, exactAttention, exactRope, type RopeOptions } from './exact-steps.js';
import { judgeStep, stepMatches } from './judge-step.js';
import { type LayerSlots, ropeGuesses } from './key-value-slots.js';

export interface AttentionCheck {
  readonly position: number;
  /** [dim] f32 as the product gave it. */
  readonly query: Float32Array;
  /** Every position's of the layer as the products gave them; cached ones where the session shows them. */
  readonly slots: LayerSlots;
  /** Whether the cached ones are there. */
  readonly cached: boolean;
  /** By position: keys turned as they should be. */
  readonly turnedKeys: readonly Float64Array[];
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** [dim] f32: what went into wo. */
  readonly got: Float32Array;
  readonly tolerance: number;
}

/** A position without which attention is tried: more are too many to try. */
const MAX_LEFT_OUT = 256;

/** Checks RoPE of the query and attention of one position over the keys and values that the products gave. */
export function checkAttention(check: AttentionCheck): StepOutcome {
  const exact = exactAttention(inputsOf(check));
  const judgement = judgeStep(check.got, exact, check.tolerance);
  const outcome = { ...judgement, ...exact };
  return judgement.wrong.length === 0 ? outcome : { ...outcome, sign: attentionSign(check) };
}

function inputsOf({
  position,
  query,
  slots,
  turnedKeys,
  headCount,
  kvHeadCount,
}: AttentionCheck): AttentionInputs {
  const { headSize, traced } = slots;
  return {
    query: exactRope(query, position, headSize),
    keys: turnedKeys.slice(0, position + 1),
    values: traced.slice(0, position + 1).map(({ value }) => value),
    headCount,
    kvHeadCount,
    headSize,
  };
}

function attentionSign(check: AttentionCheck): Sign {
  const { position, slots, cached, got, tolerance, query } = check;
  const { headSize, headCount, kvHeadCount } = { ...check, headSize: slots.headSize };
  const inputs = inputsOf(check);
  const is = (changed: Partial<AttentionInputs>): boolean =>
    stepMatches(got, exactAttention({ ...inputs, ...changed }), tolerance);
  const traced = slots.traced.slice(0, position + 1);
  if (got.some(value => !Number.isFinite(value))) return { key: 'attention', text: 'not finite' };
  if (cached) {
    const keys = slots.cachedKeys.slice(0, position + 1);
    const values = slots.cachedValues.slice(0, position + 1);
    if (is({ keys, values }))
      return { key: 'kvSlot', text: 'made with what the cache holds, which is not what was computed' };
  }
  for (const { text, options, positionOf } of ropeGuesses(cached ? slots : undefined)) {
    const turn = (vector: Float32Array, t: number): Float64Array =>
      exactRope(vector, positionOf(t), headSize, options);
    const keys = traced.map(({ key }, t) => turn(key, t));
    const turned = turn(query, position);
    if (is({ query: turned, keys })) return { key: 'rope', text };
    if (is({ query: turned })) return { key: 'rope', text: `${text} (queries only)` };
    if (is({ keys })) return { key: 'rope', text: `${text} (keys only)` };
  }
  const plain = (vector: Float32Array, t: number, options?: RopeOptions) =>
    exactRope(vector, t, headSize, options);
  const swaps: readonly Partial<AttentionInputs>[] = [
    { keys: traced.map(({ value }, t) => plain(value, t)), values: traced.map(({ key }) => key) },
    { keys: traced.map(({ value }) => value), values: inputs.keys },
  ];
  if (swaps.some(is)) return { key: 'kvSwapped', text: 'keys and values are swapped' };
  if (is({ divisor: 1 })) return { key: 'attention', text: 'the scores are not divided by sqrt(head size)' };
  if (is({ divisor: headSize })) return { key: 'attention', text: 'the scores are divided by the head size' };
  if (kvHeadCount < headCount && is({ kvHeadOf: head => head % kvHeadCount })) {
    return { key: 'attention', text: 'query heads read the wrong key/value heads' };
  }
  const without = (t: number): boolean => {
    const keep = <T>(all: readonly T[]): T[] => all.filter((_, i) => i !== t);
    return is({ keys: keep(inputs.keys), values: keep(inputs.values) });
  };
  if (is({ keys: inputs.keys.slice(-1), values: inputs.values.slice(-1) })) {
    return { key: 'attention', text: 'a position sees itself only' };
  }
  for (let t = position; t >= 0 && position > 0 && position < MAX_LEFT_OUT; t--) {
    if (without(t)) return { key: 'attention', text: `position ${t} is not attended to` };
  }
  return { key: 'attention', text: 'like nothing known' };
}
