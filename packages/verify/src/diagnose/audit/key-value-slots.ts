import type { KeyValues } from '../../npu/npu-under-test.js';
import type { TracedKeyValue } from '../recorder.js';
import { rangesText } from '../signs/ranges.js';
import type { Sign } from '../signs/sign.js';
import { type ExactStep, exactRope, type RopeOptions } from './exact-steps.js';
import { stepMatches } from './judge-step.js';

/** One layer's keys and values: what the products gave and what the session holds. */
export interface LayerSlots {
  readonly layer: number;
  /** By position, from 0 on, keys not turned. */
  readonly traced: readonly TracedKeyValue[];
  /** [positions][kvDim] each, keys turned */
  readonly cachedKeys: readonly Float32Array[];
  readonly cachedValues: readonly Float32Array[];
  readonly headSize: number;
  readonly tolerance: number;
}

/** One layer's slots of a session's cache. */
export function cachedSlots(
  { keys, values }: KeyValues,
  layer: number,
  { kvDim, seqLen, count }: { readonly kvDim: number; readonly seqLen: number; readonly count: number },
): Pick<LayerSlots, 'cachedKeys' | 'cachedValues'> {
  const slots = (all: Float32Array): Float32Array[] =>
    Array.from({ length: count }, (_, t) => {
      const at = (layer * seqLen + t) * kvDim;
      return all.slice(at, at + kvDim);
    });
  return { cachedKeys: slots(keys), cachedValues: slots(values) };
}

/** A key as the cache should hold it. */
export function turnedKey(
  key: Float32Array,
  position: number,
  headSize: number,
  options?: RopeOptions,
): ExactStep {
  const wanted = exactRope(key, position, headSize, options);
  // Turning a pair rounds by its length, whatever the direction it ends in.
  const scale = wanted.map((value, i) => Math.hypot(value, wanted[i ^ 1]!));
  return { wanted, scale };
}

/** Values are copied, so what differs at all but by a rounding is wrong. */
export function plainValue(value: Float32Array): ExactStep {
  const wanted = Float64Array.from(value);
  return { wanted, scale: wanted.map(Math.abs) };
}

/** Slots whose key or value is not the position's own. */
export function wrongSlots(slots: LayerSlots): { keys: number[]; values: number[] } {
  const { traced, cachedKeys, cachedValues, headSize, tolerance } = slots;
  const keys: number[] = [];
  const values: number[] = [];
  traced.forEach(({ key, value }, t) => {
    if (!stepMatches(cachedKeys[t]!, turnedKey(key, t, headSize), tolerance)) keys.push(t);
    if (!stepMatches(cachedValues[t]!, plainValue(value), tolerance)) values.push(t);
  });
  return { keys, values };
}

/** What wrong slots hold instead. */
export function slotSigns(slots: LayerSlots, wrong: { keys: number[]; values: number[] }): Sign[] {
  const swapped = swappedSign(slots, wrong);
  if (swapped !== undefined) return [swapped];
  const rope = wrong.keys.length > 0 && wrong.values.length === 0 ? ropeOf(slots, wrong.keys) : undefined;
  if (rope !== undefined) return [{ key: 'rope', text: rope.text }];
  const concerned = [...new Set([...wrong.keys, ...wrong.values])].sort((a, b) => a - b);
  if (concerned.length > 4) {
    return [{ key: 'kvSlot', text: `KV slots ${rangesText(concerned)} hold what the products never gave` }];
  }
  return concerned.map(t => ({ key: 'kvSlot', text: `KV slot ${t} ${contents(slots, t, wrong)}` }));
}

function swappedSign(
  slots: LayerSlots,
  { keys, values }: { keys: number[]; values: number[] },
): Sign | undefined {
  const { traced, cachedKeys, cachedValues, headSize, tolerance } = slots;
  const swapped = (t: number): boolean =>
    [0, t].some(position =>
      stepMatches(cachedKeys[t]!, turnedKey(traced[t]!.value, position, headSize), tolerance),
    ) &&
    [0, t].some(position =>
      stepMatches(cachedValues[t]!, turnedKey(traced[t]!.key, position, headSize), tolerance),
    );
  if (keys.length === 0 || values.length === 0 || ![...keys, ...values].every(swapped)) return undefined;
  return { key: 'kvSwapped', text: 'keys and values are swapped' };
}

/** What one slot holds. */
function contents(slots: LayerSlots, t: number, wrong: { keys: number[]; values: number[] }): string {
  const { traced, cachedKeys, cachedValues, headSize, tolerance } = slots;
  const key = cachedKeys[t]!;
  const value = cachedValues[t]!;
  const concerned = [
    ...(wrong.keys.includes(t) ? ['key'] : []),
    ...(wrong.values.includes(t) ? ['value'] : []),
  ];
  const what = concerned.join(' and ');
  const bad = [...(wrong.keys.includes(t) ? key : []), ...(wrong.values.includes(t) ? value : [])];
  if (bad.every(element => element === 0)) return `holds zeros for its ${what}`;
  if (bad.some(element => !Number.isFinite(element))) return `holds a ${what} that is not finite`;
  for (let other = 0; other < traced.length; other++) {
    const keyIs = stepMatches(key, turnedKey(traced[other]!.key, other, headSize), tolerance);
    const valueIs = stepMatches(value, plainValue(traced[other]!.value), tolerance);
    if (other !== t && (keyIs || !concerned.includes('key')) && (valueIs || !concerned.includes('value'))) {
      return `holds the ${what} of position ${other}`;
    }
  }
  return `holds another ${what} than was computed: overwritten`;
}

/** How the keys were turned instead of as they should, if one way explains them all. */
export interface RopeGuess {
  readonly text: string;
  readonly options: RopeOptions;
  readonly positionOf: (t: number) => number;
}

/** Ways to get RoPE wrong that need no data. Position 0 is not turned at all, and looks the same in all of them. */
const ROPE_GUESSES: readonly RopeGuess[] = [
  { text: 'RoPE is not applied', options: {}, positionOf: () => 0 },
  { text: 'RoPE is applied for the position after', options: {}, positionOf: t => t + 1 },
  { text: 'RoPE is applied for the position before', options: {}, positionOf: t => t - 1 },
  { text: 'RoPE is applied backwards', options: {}, positionOf: t => -t },
  {
    text: 'RoPE turns halves of a head instead of neighbours',
    options: { pairs: 'halves' },
    positionOf: t => t,
  },
];
const USUAL_BASES = [500, 1000, 5000, 20000, 50000, 100000, 500000, 1000000];

function baseGuess(base: number): RopeGuess {
  return { text: `RoPE with base ${base} instead of 10000`, options: { base }, positionOf: t => t };
}

/** Every way to get RoPE wrong that is tried on attention, with or without the keys at hand. */
export function ropeGuesses(slots?: LayerSlots): RopeGuess[] {
  const measured = slots === undefined ? [] : measuredBases(slots);
  return [...ROPE_GUESSES, ...[...measured, ...USUAL_BASES].map(baseGuess)];
}

function ropeOf(slots: LayerSlots, wrong: readonly number[]): RopeGuess | undefined {
  const { traced, cachedKeys, headSize, tolerance } = slots;
  return ropeGuesses(slots).find(({ options, positionOf }) =>
    wrong.every(t =>
      stepMatches(cachedKeys[t]!, turnedKey(traced[t]!.key, positionOf(t), headSize, options), tolerance),
    ),
  );
}

/** The base that the second pair's angle at position 1 speaks of, as it is and rounded. */
function measuredBases({ traced, cachedKeys, headSize }: LayerSlots): number[] {
  const key = traced[1]?.key;
  const cached = cachedKeys[1];
  if (key === undefined || cached === undefined || headSize < 4) return [];
  const angle = Math.atan2(cached[3]!, cached[2]!) - Math.atan2(key[3]!, key[2]!);
  const turned = angle < 0 ? angle + 2 * Math.PI : angle;
  const base = turned ** (-headSize / 2);
  if (!Number.isFinite(base) || base <= 1) return [];
  return [Number(base.toPrecision(1)), Number(base.toPrecision(2)), Number(base.toPrecision(4)), base];
}
