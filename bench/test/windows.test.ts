import { expect, test } from '@jest/globals';
import { decodeWindows } from '../src/windows.js';

test('stories110M is measured around 64 from the first position on, as llama2.c measures, and around 512', () => {
  expect(decodeWindows(1024, false)).toEqual([
    { firstPosition: 0, count: 128, position: 64 },
    { firstPosition: 480, count: 64, position: 512 },
  ]);
});

test.each([64, 65, 256, 512, 543, 544])('a model of %d positions is measured within them', seqLen => {
  for (const { firstPosition, count } of decodeWindows(seqLen, false)) {
    expect(firstPosition).toBeGreaterThanOrEqual(0);
    expect(count).toBeGreaterThanOrEqual(2);
    expect(firstPosition + count).toBeLessThanOrEqual(seqLen);
  }
});

test('a model of 63 positions is refused', () => expect(() => decodeWindows(63, false)).toThrow('too short'));
