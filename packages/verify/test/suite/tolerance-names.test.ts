import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { DEFAULT_TOLERANCES } from '../../src/engine/index.js';
import { changeTolerances, parseTolerance, TOLERANCE_NAMES } from '../../src/suite/index.js';

/** `fp16.kl` and the like, of what is a number anywhere. */
function namesIn(tolerances: object, prefix = ''): string[] {
  return Object.entries(tolerances).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${prefix}${name}`] : namesIn(value, `${name}.`),
  );
}

test('every tolerance of the report has a name', () => {
  expect([...TOLERANCE_NAMES].sort()).toEqual(namesIn(DEFAULT_TOLERANCES).sort());
});

describe('changeTolerances', () => {
  test.each(TOLERANCE_NAMES)('%s changes that one and no other', name => {
    const changed = changeTolerances(DEFAULT_TOLERANCES, { [name]: 123 });
    const [yardstick, figure] = name.split('.') as ['fp32' | 'fp16', 'kl'] | ['product', undefined];
    const wanted =
      figure === undefined
        ? { ...DEFAULT_TOLERANCES, [yardstick]: 123 }
        : { ...DEFAULT_TOLERANCES, [yardstick]: { ...DEFAULT_TOLERANCES[yardstick], [figure]: 123 } };
    expect(changed).toEqual(wanted);
  });

  test('the last change counts, what is given stays as it is', () => {
    const before = structuredClone(DEFAULT_TOLERANCES);
    const changed = changeTolerances(DEFAULT_TOLERANCES, { product: 1, step: 1 }, { product: 2 }, {});
    expect(changed).toMatchObject({ product: 2, step: 1 });
    expect(DEFAULT_TOLERANCES).toEqual(before);
  });
});

describe('parseTolerance', () => {
  test.each([
    ['fp16.kl=0.001', { 'fp16.kl': 0.001 }],
    ['fp32.margin=0', { 'fp32.margin': 0 }],
    ['product=1e-6', { product: 1e-6 }],
  ])('%s', (text, change) => {
    expect(parseTolerance(text)).toEqual(change);
  });

  test.each([
    ['no name', '=1', /no such tolerance.*fp32\.margin, .*step/],
    ['another name', 'fp64.kl=1', /no such tolerance: got "fp64\.kl=1"/],
    ['a name of every object', 'toString=1', /no such tolerance/],
    ['two values', 'step=1=2', /no such tolerance/],
    ['no value', 'step', /impossible tolerance step: got "", wanted 0 or more/],
    ['an empty value', 'step=', /impossible tolerance step/],
    ['a blank', 'step= ', /impossible tolerance step/],
    ['no number', 'step=tiny', /impossible tolerance step: got "tiny"/],
    ['less than none', 'step=-1', /impossible tolerance step/],
    ['no end', 'step=Infinity', /impossible tolerance step/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseTolerance(text)).toThrow(UsageError);
    expect(() => parseTolerance(text)).toThrow(message);
  });
});
