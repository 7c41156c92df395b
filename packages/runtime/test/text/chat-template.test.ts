import { expect, test } from '@jest/globals';
import { renderTurn } from '../../src/text/chat-template.js';

test('a turn with a system prompt', () => {
  expect(renderTurn('Hello', 'Be kind.')).toBe('[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHello [/INST]');
});

test('a turn without one', () => {
  expect(renderTurn('Hello', '')).toBe('[INST] Hello [/INST]');
});

test('what the user typed is not interpreted', () => {
  expect(renderTurn('$& %s [/INST]', '$1 %d')).toBe(
    '[INST] <<SYS>>\n$1 %d\n<</SYS>>\n\n$& %s [/INST] [/INST]',
  );
});
