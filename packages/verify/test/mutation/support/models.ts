import { readFileSync, writeFileSync } from 'node:fs';
import { convertCheckpoint } from '@npu-llama/converter';
import { talesFixture, writeRandomCheckpoint } from '@npu-llama/fixtures';
import { type ModelConfig, NpuFile } from '@npu-llama/format';
import type { TemporaryFolder } from '../../support/models.js';
import type { Fault, ModelPaths, NpuFileBytes } from './fault.js';
import { record } from './run.js';
import { Tiles } from './tiles.js';

/**
 * tales: the trained fixture. padded: padding rows and columns in every matrix. other: of the same shape, with other weights.
 * chained: on one core, a classifier of two tasks.
 */
export type ModelName = 'tales' | 'padded' | 'other' | 'chained';

const PADDED: ModelConfig = {
  dim: 40,
  hiddenDim: 72,
  layerCount: 2,
  headCount: 4,
  kvHeadCount: 2,
  vocabSize: 301,
  seqLen: 32,
};
const CHAINED: ModelConfig = {
  dim: 32,
  hiddenDim: 32,
  layerCount: 1,
  headCount: 4,
  kvHeadCount: 2,
  vocabSize: 8256,
  seqLen: 16,
};
const RANDOM = {
  padded: { config: PADDED, seed: 7 },
  other: { config: PADDED, seed: 8 },
  chained: { config: CHAINED, seed: 7 },
};

/** Positions of each run: the fixture's prompt has 7 tokens, so batches and single rows are both seen. */
const POSITIONS = 12;
export const PROMPT = 'Once upon a time';

/** Makes the models that faults are put into, each once. */
export class Models {
  readonly #made = new Map<ModelName, Promise<ModelPaths>>();
  #damaged = 0;

  constructor(private readonly folder: TemporaryFolder) {}

  get(name: ModelName): Promise<ModelPaths> {
    const made = this.#made.get(name) ?? this.#make(name);
    this.#made.set(name, made);
    return made;
  }

  /** A copy of a model's .npu file with its data changed; the checksums stay as they were. */
  damaged(
    { model, ...others }: ModelPaths,
    { file: damage, cut = 0 }: Pick<Fault, 'file' | 'cut'>,
  ): ModelPaths {
    const bytes = Uint8Array.from(readFileSync(model));
    damage?.(partsOf(model, bytes.buffer));
    const path = this.folder.file(`damaged-${++this.#damaged}.npu`);
    writeFileSync(path, bytes.subarray(0, bytes.length - cut));
    return { ...others, model: path };
  }

  async #make(name: ModelName): Promise<ModelPaths> {
    const model = this.folder.file(`${name}.npu`);
    const golden = this.folder.file(`${name}.golden.json`);
    if (name === 'tales') {
      const { checkpoint, tokenizer } = talesFixture;
      await convertCheckpoint({ source: checkpoint, tokenizer, target: model });
      await this.#record({ checkpoint, model, golden, options: [] }, PROMPT);
      return { checkpoint, model, golden, options: ['-i', PROMPT, '-n', String(POSITIONS)] };
    }
    const checkpoint = this.folder.file(`${name}.bin`);
    writeRandomCheckpoint(checkpoint, RANDOM[name]);
    await convertCheckpoint({ source: checkpoint, target: model });
    const cores = name === 'chained' ? ['--cores', '1'] : [];
    const paths = { checkpoint, model, golden, options: ['-n', String(POSITIONS), ...cores] };
    if (name === 'other') await this.#record(paths, '');
    return paths;
  }

  async #record({ checkpoint, model, golden }: ModelPaths, text: string): Promise<void> {
    const suite = this.folder.file('suite.json');
    const prompts = [{ text, positions: POSITIONS }];
    writeFileSync(suite, JSON.stringify({ schemaVersion: 1, name: 'faults', prompts }));
    await record([checkpoint, '--model', model, '--suite', suite, '-o', golden]);
  }
}

/** The parts of a .npu file that has been read whole. */
function partsOf(model: string, bytes: ArrayBuffer): NpuFileBytes {
  using file = NpuFile.open(model);
  const { matrices, dataOffset } = file;
  const tensors = new Map(
    ['rms_att', 'rms_ffn', 'rms_final', ...matrices.map(({ name }) => name)].map(name => [
      name,
      file.tensor(name),
    ]),
  );
  return {
    tiles: name => {
      const { offset, bytes: length } = tensors.get(name)!;
      const layout = matrices.find(matrix => matrix.name === name)!;
      return new Tiles(layout, new Uint16Array(bytes, dataOffset + offset, length / 2));
    },
    floats: name => {
      const { offset, bytes: length } = tensors.get(name)!;
      return new Float32Array(bytes, dataOffset + offset, length / 4);
    },
  };
}
