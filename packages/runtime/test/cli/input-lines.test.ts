import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { InputLines, MAX_LINE_BYTES } from '../../src/cli/input-lines.js';
import { rejectionOf } from '../support/errors.js';

const never = new AbortController().signal;

describe('lines of an input', () => {
  test('come one by one, the last without its end too, then undefined', async () => {
    const input = new PassThrough();
    using lines = new InputLines(input, never);
    input.write('one\ntwo\r\nth');
    input.end('ree');
    expect([await lines.next(), await lines.next(), await lines.next(), await lines.next()]).toEqual([
      'one',
      'two',
      'three',
      undefined,
    ]);
  });

  test('are read in whatever parts they come, up to the limit', async () => {
    const input = new PassThrough();
    using lines = new InputLines(input, never);
    const text = 'a'.repeat(MAX_LINE_BYTES);
    for (const part of ['b', text.slice(1), '\n', text, '\nc\n']) input.write(part);
    expect((await lines.next())?.length).toBe(MAX_LINE_BYTES);
    expect(await lines.next()).toBe(text);
    expect(await lines.next()).toBe('c');
  });

  test('beyond the limit are refused although no end has come', async () => {
    const input = new PassThrough();
    using lines = new InputLines(input, never);
    input.write(Buffer.alloc(MAX_LINE_BYTES, 'a'));
    input.write('a');
    const error = await rejectionOf(lines.next());
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain('a line of standard input is too long: got more than 1048576 bytes');
  });

  test('are waited for no longer than the signal lets', async () => {
    const controller = new AbortController();
    using lines = new InputLines(new PassThrough(), controller.signal);
    const line = rejectionOf(lines.next());
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await line).toBe(reason);
  });
});
