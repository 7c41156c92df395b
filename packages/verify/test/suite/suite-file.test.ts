import { createHash } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { FileError } from '@npu-llama/format';
import { readSuite } from '../../src/suite/index.js';
import { TemporaryFolder } from '../support/models.js';

const folder = new TemporaryFolder();
const path = folder.file('suite.json');
afterAll(() => folder[Symbol.dispose]());

const MINIMAL = { schemaVersion: 1, name: 'nightly', prompts: [{ text: 'Once' }] };

function read(suite: unknown) {
  writeFileSync(path, typeof suite === 'string' ? suite : JSON.stringify(suite));
  return readSuite(path);
}

/** MINIMAL with one prompt of these fields. */
function withPrompt(fields: object): object {
  return { ...MINIMAL, prompts: [fields] };
}

describe('what is not said', () => {
  test('is forced, greedy, named by its text, of the default length', () => {
    expect(read(MINIMAL)).toMatchObject({
      name: 'nightly',
      tolerances: {},
      prompts: [
        { name: 'Once', text: 'Once', mode: 'forced', positions: undefined, temperature: 0, seed: undefined },
      ],
    });
  });

  test('is as the suite says', () => {
    const { prompts } = read({
      ...MINIMAL,
      mode: 'free',
      positions: 9,
      prompts: [{}, { mode: 'forced', positions: 0 }],
    });
    expect(prompts).toMatchObject([
      { text: '', mode: 'free', positions: 9 },
      { text: '', mode: 'forced', positions: 0 },
    ]);
  });
});

test('a seed each is a prompt each, in order, with its own name', () => {
  const { prompts } = read({
    ...MINIMAL,
    prompts: [
      { text: 'a', mode: 'free', temperature: 0.8, topP: 0.5, seeds: [7, 9007199254740991] },
      { name: 'last', text: 'b' },
    ],
  });
  expect(prompts).toMatchObject([
    { name: 'a (seed 7)', text: 'a', temperature: 0.8, topP: 0.5, seed: 7n },
    { name: 'a (seed 9007199254740991)', text: 'a', temperature: 0.8, topP: 0.5, seed: 9007199254740991n },
    { name: 'last', text: 'b', seed: undefined },
  ]);
});

test('its tolerances are those that it names', () => {
  const { tolerances } = read({ ...MINIMAL, tolerances: { 'fp16.kl': 0.5, step: 0 } });
  expect(tolerances).toEqual({ 'fp16.kl': 0.5, step: 0 });
});

test('it is known by the SHA-256 of its bytes', () => {
  const text = JSON.stringify(MINIMAL);
  expect(read(text).sha256).toBe(createHash('sha256').update(text).digest('hex'));
  expect(read(`${text}\n`).sha256).not.toBe(read(text).sha256);
});

describe('refuses, naming the field,', () => {
  const sampled = { mode: 'free', temperature: 1, seeds: [1] };
  test.each<[string, object, string]>([
    ['another version', { ...MINIMAL, schemaVersion: 2 }, 'schemaVersion'],
    ['an unknown field', { ...MINIMAL, prompt: 'Once' }, 'prompt'],
    ['an empty list of them', { ...MINIMAL, prompts: [] }, 'prompts'],
    ['text for a list', { ...MINIMAL, prompts: 'Once' }, 'prompts'],
    ['more prompts than any board gets through', { ...MINIMAL, prompts: Array(10_001).fill({}) }, 'prompts'],
    ['text for a prompt', { ...MINIMAL, prompts: [{}, 'Once'] }, 'prompts.1'],
    ['a number for text', withPrompt({ text: 5 }), 'prompts.0.text'],
    ['an unknown field of a prompt', withPrompt({ seed: 5 }), 'prompts.0.seed'],
    ['half a position', withPrompt({ positions: 1.5 }), 'prompts.0.positions'],
    ['fewer than none', withPrompt({ positions: -1 }), 'prompts.0.positions'],
    ['half a position for all', { ...MINIMAL, positions: 0.5 }, 'positions'],
    ['an unknown mode', withPrompt({ mode: 'greedy' }), 'prompts.0.mode'],
    ['an unknown mode for all', { ...MINIMAL, mode: 'sampled' }, 'mode'],
    ['a negative temperature', withPrompt({ ...sampled, temperature: -1 }), 'prompts.0.temperature'],
    ['a nucleus beyond 1', withPrompt({ ...sampled, topP: 1.1 }), 'prompts.0.topP'],
    ['a seed of 0, which draws nothing', withPrompt({ ...sampled, seeds: [1, 0] }), 'prompts.0.seeds.1'],
    ['a seed that JSON cannot hold', withPrompt({ ...sampled, seeds: [2 ** 53] }), 'prompts.0.seeds.0'],
    ['no seeds', withPrompt({ ...sampled, seeds: [] }), 'prompts.0.seeds'],
    ['a seed that is no list', withPrompt({ ...sampled, seeds: 4 }), 'prompts.0.seeds'],
    ['too many seeds', withPrompt({ ...sampled, seeds: Array(1001).fill(1) }), 'prompts.0.seeds'],
    ['a temperature without seeds', withPrompt({ mode: 'free', temperature: 1 }), 'prompts.0.seeds'],
    ['seeds without a temperature', withPrompt({ mode: 'free', seeds: [1] }), 'prompts.0.temperature'],
    ['a nucleus without a temperature', withPrompt({ mode: 'free', topP: 0.5 }), 'prompts.0.topP'],
    ['a temperature of forced mode', withPrompt({ ...sampled, mode: 'forced' }), 'prompts.0.temperature'],
    ['seeds of forced mode', withPrompt({ seeds: [1] }), 'prompts.0.seeds'],
    ['a nucleus of forced mode', withPrompt({ topP: 0.5 }), 'prompts.0.topP'],
    ['an unknown tolerance', { ...MINIMAL, tolerances: { 'fp64.kl': 1 } }, 'tolerances.fp64.kl'],
    ['a negative tolerance', { ...MINIMAL, tolerances: { 'fp16.kl': -1 } }, 'tolerances.fp16.kl'],
    ['text for a tolerance', { ...MINIMAL, tolerances: { step: '1' } }, 'tolerances.step'],
  ])('%s', (_, suite, field) => {
    const reading = (): unknown => read(suite);
    expect(reading).toThrow(FileError);
    expect(reading).toThrow(`${path}: is no suite: ${field} will not do`);
  });

  test.each(['schemaVersion', 'name', 'prompts'])('no %s', field => {
    expect(() => read({ ...MINIMAL, [field]: undefined })).toThrow(`is no suite: ${field} is missing`);
  });
});

describe('refuses a file', () => {
  test.each([
    ['that is no JSON', '{', /suite\.json: is no suite: no JSON/],
    ['that is empty', '', /suite\.json: is no suite: no JSON/],
    ['that is another document', '[]', /suite\.json: is no suite/],
    ['that is null', 'null', /suite\.json: is no suite/],
  ])('%s', (_, text, message) => {
    expect(() => read(text)).toThrow(FileError);
    expect(() => read(text)).toThrow(message);
  });

  test('that is not UTF-8', () => {
    writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d]));
    expect(() => readSuite(path)).toThrow(/is no suite: not UTF-8 text/);
  });

  test('that is too large, before reading it', () => {
    const bytes = (16 << 20) + 1;
    writeFileSync(path, '');
    truncateSync(path, bytes);
    expect(() => readSuite(path)).toThrow(
      `is too large for a suite: got ${bytes} bytes, wanted at most 16777216`,
    );
  });

  test('that is not there', () => {
    expect(() => readSuite(folder.file('none.json'))).toThrow(FileError);
  });

  test('that is a folder', () => {
    expect(() => readSuite(folder.path)).toThrow(/is a folder/);
  });
});
