import { describe, expect, test } from '@jest/globals';
import { floatToHalf, halfToFloat, halfValues } from '@npu-llama/format';
import { Pace } from '../../src/reference/pace.js';
import { multiply } from '../../src/reference/product.js';
import { roundToHalf, roundWeightToHalf } from '../../src/reference/round-half.js';
import { roundInputs } from '../../src/reference/round-inputs.js';
import { Threads } from '../../src/reference/threads.js';
import { packed } from '../support/matrices.js';

/** The floats with these bits. */
function floatsOf(bits: Uint32Array): Float32Array {
  return new Float32Array(bits.buffer);
}

/**
 * Where rounding goes wrong if it does: every half, and halfway to the next, each with its neighbours among the floats. No
 * NaNs.
 */
function neighbourhoods(): Float32Array {
  const finite = halfValues().filter(value => Number.isFinite(value));
  const halfway = finite.map(value => {
    const next = halfToFloat(floatToHalf(value) + 1);
    return Number.isFinite(next) ? (value + next) / 2 : Math.sign(value) * 65520;
  });
  const bits = new Uint32Array(Float32Array.from([...finite, ...halfway]).buffer);
  const around = Uint32Array.from(bits, (bit, i) => ((bits[i]! & 0x7fffffff) === 0 ? bit : bit - 1));
  return floatsOf(Uint32Array.from([...bits, ...bits.map(bit => bit + 1), ...around]));
}

function randomFloats(count: number): Float32Array {
  let state = 12345;
  const bits = Uint32Array.from({ length: count }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39;
    return state >>> 0;
  });
  return floatsOf(bits).map(value => (Number.isNaN(value) ? 0 : value));
}

/** Indices of what differs, -0 being 0: no sum of products can tell them apart. */
function differing(values: Float32Array, got: Float32Array, wanted: Float32Array): number[] {
  return [...values.keys()].filter(i => got[i] !== wanted[i]).map(i => values[i]!);
}

describe.each([
  ['around every half and every tie', neighbourhoods()],
  ['random bits', randomFloats(300_000)],
])('rounding to FP16, %s', (_, values) => {
  const wanted = values.map(value => halfToFloat(floatToHalf(value)));
  const saturated = wanted.map(value => Math.max(-65504, Math.min(65504, value)));

  test('inputs: what the format package rounds to', () => {
    expect(differing(values, values.map(roundToHalf), wanted)).toEqual([]);
  });

  test('inputs in the kernel', () => {
    const { halves, infinite } = roundInputs(values);
    expect(differing(values, halves, wanted)).toEqual([]);
    expect(infinite).toBe(true);
  });

  test('weights: the same, clamped', () => {
    expect(differing(values, values.map(roundWeightToHalf), saturated)).toEqual([]);
  });

  test.each([1, 4])('weights in the kernels, batch of %i', async batch => {
    const output = new Float32Array(batch * values.length);
    const input = new Float32Array(batch).fill(1);
    const product = { weights: packed(values, 1), input, batch, output };
    await multiply({ ...product, arithmetic: 'fp16' }, new Threads(1), new Pace());
    expect(differing(values, output.subarray((batch - 1) * values.length), saturated)).toEqual([]);
  });
});

test.each([
  [[1, -65519, 2, 3, 4], false],
  [[1, 2, 3, 4, 65520], true],
  [[-Infinity], true],
])('says of inputs %p whether any is infinite', (values, infinite) => {
  expect(roundInputs(Float32Array.from(values)).infinite).toBe(infinite);
});

test('NaN stays NaN', async () => {
  expect(roundInputs(Float32Array.of(Number.NaN)).halves).toEqual(Float32Array.of(Number.NaN));
  expect([roundToHalf(Number.NaN), roundWeightToHalf(Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
  const output = new Float32Array(13);
  const weights = new Float32Array(13).fill(Number.NaN);
  const product = { weights: packed(weights, 1), input: Float32Array.of(1), batch: 1, output };
  await multiply({ ...product, arithmetic: 'fp16' }, new Threads(1), new Pace());
  expect(output.every(Number.isNaN)).toBe(true);
});
