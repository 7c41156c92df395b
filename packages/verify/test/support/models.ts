import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RandomCheckpointOptions, writeRandomCheckpoint } from '@npu-llama/fixtures';
import { CheckpointFile, type ModelConfig } from '@npu-llama/format';
import { loadReferenceWeights, type PackedMatrix, type ReferenceWeights } from '../../src/reference/index.js';
import { packed } from './matrices.js';

/** A folder that goes with what a test put into it. */
export class TemporaryFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'verify-test-'));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Dimensions small enough for an oracle without any cache, none a multiple of 8, heads in groups. */
export const TINY: ModelConfig = {
  dim: 20,
  hiddenDim: 37,
  layerCount: 2,
  headCount: 10,
  kvHeadCount: 5,
  vocabSize: 301,
  seqLen: 24,
};

/** Reads a checkpoint's weights. */
export async function weightsOf(path: string): Promise<ReferenceWeights> {
  using checkpoint = CheckpointFile.open(path);
  return await loadReferenceWeights(checkpoint);
}

/** The weights of a random model. */
export async function randomWeights(options: RandomCheckpointOptions): Promise<ReferenceWeights> {
  using folder = new TemporaryFolder();
  writeRandomCheckpoint(folder.file('model.bin'), options);
  return await weightsOf(folder.file('model.bin'));
}

/** The same weights in memories of their own, to be changed. */
export function copyOfWeights(weights: ReferenceWeights): ReferenceWeights {
  const copy = (matrix: PackedMatrix): PackedMatrix => packed(matrix.toRows(), matrix.columns);
  const tokenEmbedding = copy(weights.tokenEmbedding);
  return {
    ...weights,
    tokenEmbedding,
    layers: weights.layers.map(layer => ({
      rmsAtt: layer.rmsAtt.slice(),
      wq: copy(layer.wq),
      wk: copy(layer.wk),
      wv: copy(layer.wv),
      wo: copy(layer.wo),
      rmsFfn: layer.rmsFfn.slice(),
      w1: copy(layer.w1),
      w2: copy(layer.w2),
      w3: copy(layer.w3),
    })),
    rmsFinal: weights.rmsFinal.slice(),
    classifier: weights.classifier === weights.tokenEmbedding ? tokenEmbedding : copy(weights.classifier),
  };
}

/** RMS of the difference as a part of the RMS of what is expected. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let differences = 0;
  let squares = 0;
  for (let i = 0; i < wanted.length; i++) {
    differences += (got[i]! - wanted[i]!) ** 2;
    squares += wanted[i]! ** 2;
  }
  return Math.sqrt(differences / squares);
}
