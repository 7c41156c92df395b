import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { preset, writeRandomTokenizer } from '@npu-llama/fixtures';
import { NpuFile, ToolkitError } from '@npu-llama/format';
import { type ConvertOptions, convertCheckpoint } from '../src/index.js';
import { setWeight, type Workplace, workplaces } from './support.js';

const workplace = workplaces();

/** Converts and gives the error's message, with the test's folder left out. */
async function failure(place: Workplace, options: Partial<ConvertOptions>): Promise<string> {
  const request = { source: place.path('m.bin'), target: place.path('m.npu'), ...options };
  try {
    await convertCheckpoint(request);
  } catch (error) {
    if (!(error instanceof ToolkitError)) throw error;
    expect(error.exitStatus).toBe(2);
    return place.withoutFolder(error.message);
  }
  throw new Error('the conversion went well');
}

interface Case {
  /** Makes the files; `m.bin` is a good checkpoint already. */
  readonly prepare: (place: Workplace) => unknown;
  readonly options?: (place: Workplace) => Partial<ConvertOptions>;
  readonly message: string | RegExp;
}

async function check(place: Workplace, { prepare, options, message }: Case): Promise<void> {
  place.checkpoint('m.bin');
  prepare(place);
  const before = place.files();
  const contents = before.map(name =>
    name.endsWith('.folder') ? '' : readFileSync(place.path(name), 'latin1'),
  );
  const got = await failure(place, options?.(place) ?? {});
  if (typeof message === 'string') expect(got).toBe(message);
  else expect(got).toMatch(message);
  expect(got).not.toContain('\n');
  expect(place.files()).toEqual(before);
  expect(
    before.map(name => (name.endsWith('.folder') ? '' : readFileSync(place.path(name), 'latin1'))),
  ).toEqual(contents);
}

const header = (offset: number, value: number) => (place: Workplace) => {
  const bytes = readFileSync(place.path('m.bin'));
  bytes.writeInt32LE(value, offset);
  writeFileSync(place.path('m.bin'), bytes);
};
const weight = (tensor: string, row: number, column: number, value: number) => (place: Workplace) =>
  setWeight(place.path('m.bin'), 0, [tensor, row, column], value);

const SOURCES: Record<string, Case> = {
  'a missing file': {
    prepare: () => {},
    options: place => ({ source: place.path('none.bin') }),
    message: 'none.bin: cannot open: no such file or folder (ENOENT); check the path',
  },
  'a folder': {
    prepare: place => mkdirSync(place.path('m.folder')),
    options: place => ({ source: place.path('m.folder') }),
    message: 'm.folder: is a folder; name a file',
  },
  'a device': {
    prepare: () => {},
    options: () => ({ source: '/dev/zero' }),
    message: '/dev/zero: is not a regular file; name a file',
  },
  'an empty file': {
    prepare: place => truncateSync(place.path('m.bin'), 0),
    message: 'm.bin: is empty: wanted a llama2.c checkpoint',
  },
  'half a header': {
    prepare: place => truncateSync(place.path('m.bin'), 20),
    message: 'm.bin: ends within its header: got 20 bytes, wanted at least 28',
  },
  'a truncated file': {
    prepare: place => truncateSync(place.path('m.bin'), 157_000),
    message:
      'm.bin: shorter than its header promises: got 157000 bytes, wanted 157628; a damaged download, or not a llama2.c checkpoint',
  },
  'a file with more behind it': {
    prepare: place => appendFileSync(place.path('m.bin'), 'x'),
    message: /^m\.bin: longer than its header says: got 157629 bytes, wanted 157628; /,
  },
  'a header that promises more than the file holds': {
    prepare: header(8, 4000),
    message: /^m\.bin: shorter than its header promises: got 157628 bytes, wanted \d{9}; /,
  },
  'a foreign file': {
    prepare: place => place.write('m.bin', 'GGUF'.padEnd(500)),
    message:
      "m.bin: is a GGUF file (llama.cpp): wanted a llama2.c checkpoint; export it with llama2.c's export.py",
  },
  'a dimension of zero': {
    prepare: header(0, 0),
    message: 'm.bin: impossible dim in the header: got 0, wanted 1 to 131072; is this a llama2.c checkpoint?',
  },
  'a negative dimension': {
    prepare: header(4, -72),
    message: /^m\.bin: impossible hidden_dim in the header: got -72, wanted 1 to 524288; /,
  },
  'heads that do not divide': {
    prepare: header(12, 3),
    message: 'm.bin: n_heads does not divide dim: got n_heads 3, dim 40',
  },
  'a matrix wider than the NPU can take': {
    prepare: place => place.sparseCheckpoint('m.bin', { ...preset('tiny'), layerCount: 1, hiddenDim: 16385 }),
    message:
      'm.bin: hidden_dim is too large for the NPU: one kernel holds 32768 bytes: got 16385, wanted at most 16384',
  },
  'a weight that is NaN': {
    prepare: weight('layers.1.wk', 19, 39, Number.NaN),
    message:
      'm.bin: layers.1.wk, row 19, column 39: got NaN, wanted a finite weight of at most 65504, the largest FP16 number; the checkpoint is damaged or its training diverged',
  },
  'a weight that is infinite': {
    prepare: weight('layers.0.w2', 3, 71, Number.NEGATIVE_INFINITY),
    message: /^m\.bin: layers\.0\.w2, row 3, column 71: got -Infinity, wanted a finite weight .*diverged$/,
  },
  'a weight beyond FP16': {
    prepare: weight('layers.0.w1', 0, 0, 65520),
    message:
      'm.bin: layers.0.w1, row 0, column 0: got 65520, wanted a finite weight of at most 65504, the largest FP16 number; convert with --saturate to clamp such weights',
  },
  'a weight just beyond FP16': {
    prepare: weight('token_embedding', 299, 39, -65505),
    message: /^m\.bin: token_embedding, row 299, column 39: got -65505, .*--saturate/,
  },
  'an infinite weight, even when saturating': {
    prepare: weight('layers.0.wq', 1, 2, Number.POSITIVE_INFINITY),
    options: () => ({ overflow: 'saturate' }),
    message: /^m\.bin: layers\.0\.wq, row 1, column 2: got Infinity/,
  },
  'a norm that is NaN': {
    prepare: weight('layers.1.rms_ffn', 0, 5, Number.NaN),
    message:
      'm.bin: layers.1.rms_ffn, row 0, column 5: got NaN, wanted a finite weight; the checkpoint is damaged or its training diverged',
  },
  'a file that changes meanwhile': {
    prepare: () => {},
    options: place => ({ onProgress: () => utimesSync(place.path('m.bin'), 1, 1) }),
    message: 'm.bin: was changed while it was being converted; convert it again',
  },
};

const TOKENIZERS: Record<string, Case> = {
  'of a smaller vocabulary': {
    prepare: place => writeRandomTokenizer(place.path('t.bin'), 299),
    options: place => ({ tokenizer: place.path('t.bin') }),
    message:
      't.bin: is truncated, or the tokenizer of a smaller vocabulary: got an end within token 299, wanted 300 tokens, as the model has; use the tokenizer that the model was trained with',
  },
  'of a larger vocabulary': {
    prepare: place => writeRandomTokenizer(place.path('t.bin'), 301),
    options: place => ({ tokenizer: place.path('t.bin') }),
    message:
      /^t\.bin: is the tokenizer of a larger vocabulary: got \d+ bytes behind the last token, wanted exactly 300 /,
  },
  'that is the checkpoint': {
    prepare: () => {},
    options: place => ({ tokenizer: place.path('m.bin') }),
    message: /^m\.bin: token 1 has an impossible length: got \d+, wanted 0 to 40/,
  },
  'that is missing': {
    prepare: () => {},
    options: place => ({ tokenizer: place.path('t.bin') }),
    message: 't.bin: cannot open: no such file or folder (ENOENT); check the path',
  },
};

const TARGETS: Record<string, Case> = {
  'that exists': {
    prepare: place => place.write('m.npu', 'older'),
    message: 'm.npu: exists already; choose another name, or replace it with --force',
  },
  'that is a folder': {
    prepare: place => mkdirSync(place.path('n.folder')),
    options: place => ({ target: place.path('n.folder'), existing: 'replace' }),
    message: 'n.folder: is a folder; name the file to write',
  },
  'in a missing folder': {
    prepare: () => {},
    options: place => ({ target: place.path('none/m.npu') }),
    message: 'none/m.npu: cannot create a file beside it: no such file or folder (ENOENT); check the path',
  },
  'below a file': {
    prepare: () => {},
    options: place => ({ target: place.path('m.bin/m.npu') }),
    message: /^m\.bin\/m\.npu: cannot .*: a part of the path is not a folder \(ENOTDIR\); check the path$/,
  },
  'that is a device': {
    prepare: () => {},
    options: () => ({ target: '/dev/full', existing: 'replace' }),
    message: '/dev/full: is not a regular file; name the file to write',
  },
  'that is the source': {
    prepare: () => {},
    options: place => ({ target: place.path('m.bin'), existing: 'replace' }),
    message: 'm.bin: is the checkpoint itself; choose another name for the .npu file',
  },
  'that is a hard link to the source': {
    prepare: place => linkSync(place.path('m.bin'), place.path('m.npu')),
    options: () => ({ existing: 'replace' }),
    message: 'm.npu: is the checkpoint itself; choose another name for the .npu file',
  },
  'that is a symbolic link to the source': {
    prepare: place => symlinkSync('m.bin', place.path('m.npu')),
    options: () => ({ existing: 'replace' }),
    message: 'm.npu: is the checkpoint itself; choose another name for the .npu file',
  },
  'that leads to nothing': {
    prepare: place => symlinkSync('nowhere', place.path('n.folder')),
    options: place => ({ target: place.path('n.folder'), existing: 'replace' }),
    message: 'n.folder: is a symbolic link to nothing; remove it or choose another name',
  },
  'that leads to itself': {
    prepare: place => symlinkSync('n.folder', place.path('n.folder')),
    options: place => ({ target: place.path('n.folder'), existing: 'replace' }),
    message:
      'n.folder: cannot follow the link: its symbolic links go in a circle (ELOOP); remove them or choose another name',
  },
  'that leads to a folder': {
    prepare: place => symlinkSync('.', place.path('n.folder')),
    options: place => ({ target: place.path('n.folder'), existing: 'replace' }),
    message: 'n.folder: is a folder; name the file to write',
  },
  'whose name is too long': {
    prepare: () => {},
    options: place => ({ target: place.path('n'.repeat(256)) }),
    message: /^n{256}: cannot .*: the name is too long \(ENAMETOOLONG\); choose a shorter one$/,
  },
  'that is the tokenizer': {
    prepare: place => writeRandomTokenizer(place.path('t.bin'), 300),
    options: place => ({ target: place.path('t.bin'), tokenizer: place.path('t.bin'), existing: 'replace' }),
    message: 't.bin: is the tokenizer itself; choose another name for the .npu file',
  },
};

/** Somebody else's doings, while a conversion is under way. */
const MEANWHILE: Record<string, Meanwhile> = {
  'a file gets the name': {
    act: place => place.write('m.npu', "somebody's"),
    message: 'm.npu: exists already; choose another name, or replace it with --force',
  },
  'a folder gets the name': {
    act: place => mkdirSync(place.path('m.npu')),
    existing: 'replace',
    message: 'm.npu: is a folder; name the file to write',
  },
  'the older file becomes write-protected': {
    before: place => place.write('m.npu', 'older'),
    act: place => chmodSync(place.path('m.npu'), 0o444),
    existing: 'replace',
    // Root may write to it all the same.
    message: process.geteuid?.() === 0 ? undefined : /^m\.npu: cannot replace: permission denied \(EACCES\)/,
  },
  'the older file is replaced by another': {
    before: place => place.write('m.npu', 'older'),
    act: place => {
      place.write('m.new', "somebody's");
      renameSync(place.path('m.new'), place.path('m.npu'));
    },
    existing: 'replace',
    message: undefined,
  },
  'the checkpoint is cut': {
    act: place => truncateSync(place.path('m.bin'), 100_000),
    message:
      /^m\.bin: (ended while being read: got \d+ bytes, wanted at least \d+; |was changed while it was )/,
  },
  'the checkpoint grows': {
    act: place => appendFileSync(place.path('m.bin'), 'x'),
    message: 'm.bin: was changed while it was being converted; convert it again',
  },
  'a weight changes': {
    act: place => setWeight(place.path('m.bin'), 0, ['rms_final', 0, 0], 2),
    message: 'm.bin: was changed while it was being converted; convert it again',
  },
  'another checkpoint gets its name': {
    act: place => {
      place.checkpoint('n.bin', { seed: 2 });
      renameSync(place.path('n.bin'), place.path('m.bin'));
    },
    message: undefined,
  },
  'the folder goes': {
    existing: 'replace',
    target: 'gone/m.npu',
    before: place => mkdirSync(place.path('gone')),
    act: place => rmSync(place.path('gone'), { recursive: true }),
    message: 'gone/m.npu: cannot finish: no such file or folder (ENOENT); check the path',
  },
};

interface Meanwhile {
  readonly before?: (place: Workplace) => unknown;
  readonly act: (place: Workplace) => unknown;
  readonly existing?: 'replace';
  readonly target?: string;
  /** Undefined where the conversion goes well. */
  readonly message: string | RegExp | undefined;
}

test.each(Object.keys(MEANWHILE))('where %s meanwhile, nobody loses a file', async name => {
  const { before, act, existing = 'refuse', target = 'm.npu', message } = MEANWHILE[name]!;
  const place = workplace();
  const source = place.checkpoint('m.bin');
  before?.(place);
  let acted: string[] | undefined;
  const options: Partial<ConvertOptions> = {
    target: place.path(target),
    existing,
    onProgress: () => {
      if (acted !== undefined) return;
      act(place);
      acted = place.files().filter(file => !file.endsWith('.tmp'));
    },
  };
  if (message === undefined) {
    await convertCheckpoint({ source, target: place.path('m.npu'), ...options });
    expect(() => NpuFile.open(place.path('m.npu')).close()).not.toThrow();
    expect(place.files()).toEqual([...new Set([...acted!, 'm.npu'])].sort());
    return;
  }
  const got = await failure(place, options);
  if (typeof message === 'string') expect(got).toBe(message);
  else expect(got).toMatch(message);
  expect(place.files()).toEqual(acted);
});

describe('a source', () => {
  test.each(Object.keys(SOURCES))('%s is refused in one line, and nothing is left behind', name =>
    check(workplace(), SOURCES[name]!),
  );

  test('is refused with the older target left alone', async () => {
    const place = workplace();
    place.write('m.npu', 'older');
    await check(place, { ...SOURCES['a weight that is NaN']!, options: () => ({ existing: 'replace' }) });
  });

  test('that is bad far inside is refused with the right row', async () => {
    const place = workplace();
    const config = { ...preset('tiny'), vocabSize: 40_000 };
    const source = place.checkpoint('large.bin', { config });
    setWeight(source, 0, ['token_embedding', 39_999, 1], Number.NaN, { config });
    expect(await failure(place, { source })).toContain(
      'large.bin: token_embedding, row 39999, column 1: got NaN',
    );
  });
});

test.each(Object.keys(TOKENIZERS))('a tokenizer %s is refused', name =>
  check(workplace(), TOKENIZERS[name]!),
);

test.each(Object.keys(TARGETS))('a target %s is refused', name => check(workplace(), TARGETS[name]!));
