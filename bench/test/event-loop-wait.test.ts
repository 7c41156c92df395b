import { expect, test } from '@jest/globals';
import { longestWait } from '../src/event-loop-wait.js';

/** Holds the thread for at least that long. */
function hold(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('the longest wait is at least what held the thread, wherever that was', async () => {
  expect(await longestWait(async () => hold(30))).toBeGreaterThanOrEqual(29);
  const atTheEnd = longestWait(async () => {
    await new Promise(resolve => setImmediate(resolve));
    hold(30);
  });
  expect(await atTheEnd).toBeGreaterThanOrEqual(29);
});
