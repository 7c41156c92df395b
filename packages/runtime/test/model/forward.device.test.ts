import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import type { ModelConfig } from '@npu-llama/format';
import { type DecodeRows, openDevice } from '../../src/device/index.js';
import { loadModel } from '../../src/model/index.js';
import { judge } from '../support/logits.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { naiveForward } from '../support/naive-forward.js';
import { leftBehind, NOTHING, simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

interface Shape extends Partial<ModelConfig> {
  readonly title: string;
  readonly separate?: true;
  /** Large: not on every device. */
  readonly large?: true;
  /** Tokens in one go, for each row variant and its neighbours. */
  readonly rows: readonly number[];
}

const ALL_VARIANTS = [1, 2, 3, 4, 5, 16, 17, 64, 65];
const SHAPES: readonly Shape[] = [
  { title: 'nothing a multiple of a tile, grouped heads', rows: ALL_VARIANTS },
  {
    title: 'one 16-row group and one K tile everywhere',
    dim: 4,
    hiddenDim: 3,
    headCount: 2,
    kvHeadCount: 1,
    vocabSize: 5,
    rows: ALL_VARIANTS,
  },
  {
    title: 'whole tiles only',
    dim: 64,
    hiddenDim: 96,
    headCount: 4,
    kvHeadCount: 4,
    vocabSize: 64,
    rows: [1, 4, 16, 64],
  },
  {
    title: 'parts of wqkv that end within a group, a core or between',
    dim: 72,
    hiddenDim: 31,
    headCount: 12,
    kvHeadCount: 4,
    vocabSize: 33,
    rows: [1, 3, 17],
  },
  {
    title: 'a classifier of chained tasks',
    dim: 8,
    hiddenDim: 16,
    vocabSize: 24600,
    large: true,
    rows: [1, 4, 5],
  },
  {
    title: 'a classifier of its own, just beyond one task',
    dim: 8,
    hiddenDim: 16,
    vocabSize: 8193,
    separate: true,
    rows: [1, 4],
  },
  {
    title: 'K of 11264: 16 rows fill 11 banks',
    dim: 8,
    hiddenDim: 11264,
    vocabSize: 20,
    large: true,
    rows: [1, 4, 16, 17],
  },
  {
    title: 'K of 16384: the widest, 4 rows',
    dim: 8,
    hiddenDim: 16384,
    vocabSize: 20,
    large: true,
    rows: [1, 4, 5],
  },
];

function configOf(shape: Shape): ModelConfig {
  const { title: _, separate: __, large: ___, rows: ____, ...change } = shape;
  return { ...TINY, layerCount: 1, ...change };
}

/** Cores, and rows of a job that decodes. */
type Device = readonly [number, DecodeRows];
const DEVICES: readonly Device[] = [1, 2, 3].flatMap(cores =>
  ([1, 4] as const).map(rows => [cores, rows] as const),
);
const FEW_DEVICES: readonly Device[] = [
  [1, 1],
  [2, 4],
  [3, 1],
];

const tokensOf = (count: number, vocabSize: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 37 + 1) % vocabSize);

describeDevice('forward', () => {
  const folder = new TemporaryFolder();
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  describe.each(SHAPES.map((shape, i) => [shape.title, shape, `shape-${i}`] as const))(
    '%s',
    (_, shape, name) => {
      const config = configOf(shape);
      const tokens = tokensOf(Math.max(...shape.rows), config.vocabSize);
      let files: ModelFiles;
      let wanted: Float64Array[];

      beforeAll(async () => {
        files = await randomModel(folder, name, { config, sharedClassifier: shape.separate !== true });
        wanted = naiveForward(files.checkpoint, tokens);
      });

      test.each<Device>(shape.large === true ? FEW_DEVICES : DEVICES)(
        'on %i core(s), decoding with %i row(s), gives what the formulas give, in batches of every size',
        async (cores, decodeRows) => {
          {
            await using device = await openDevice({ kind: 'sim', cores, rows: decodeRows });
            await using model = await loadModel(device, files.model);
            await using session = model.createSession();
            for (const rows of shape.rows) {
              const logits = await session.forwardBatch(tokens.slice(0, rows), 0, { logits: 'all' });
              const expected = wanted.slice(0, rows).flatMap(row => Array.from(row));
              expect([rows, judge(logits, expected)]).toEqual([rows, 'close']);
            }
          }
          expect(leftBehind()).toEqual(NOTHING);
        },
      );
    },
  );
});
