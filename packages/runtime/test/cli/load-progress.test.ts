import { afterEach, expect, jest, test } from '@jest/globals';
import { loadProgress } from '../../src/cli/load-progress.js';

const { isTTY } = process.stderr;
afterEach(() => {
  process.stderr.isTTY = isTTY;
  jest.restoreAllMocks();
});

test('the bar changes no setting of the terminal: a process that is stopped or killed could not put it back', async () => {
  let shown = '';
  jest.spyOn(process.stderr, 'write').mockImplementation(text => {
    shown += text;
    return true;
  });
  process.stderr.isTTY = true;
  const progress = await loadProgress(true);
  progress.update(0, 2 ** 30);
  progress.update(2 ** 29, 2 ** 30);
  expect(shown).toContain('loading ');
  // Private modes: the cursor is 25, wrapping 7.
  expect(shown).not.toContain('\u001b[?');
  progress.stop();
  expect(shown).not.toContain('\u001b[?');
});
