import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CheckpointFile, FileError, type ModelConfig } from '@npu-llama/format';

/** One layer's tensors, each row-major [rows][columns] f32. */
export interface LayerWeights {
  /** [dim] */
  readonly rmsAtt: Float32Array;
  /** [dim][dim] */
  readonly wq: Float32Array;
  /** [kvDim][dim] */
  readonly wk: Float32Array;
  /** [kvDim][dim] */
  readonly wv: Float32Array;
  /** [dim][dim] */
  readonly wo: Float32Array;
  /** [dim] */
  readonly rmsFfn: Float32Array;
  /** [hiddenDim][dim] */
  readonly w1: Float32Array;
  /** [dim][hiddenDim] */
  readonly w2: Float32Array;
  /** [hiddenDim][dim] */
  readonly w3: Float32Array;
}

/** All of a model in FP32, as its checkpoint holds it. */
export interface ReferenceWeights {
  /** The checkpoint that they were read from, for messages. */
  readonly path: string;
  readonly config: ModelConfig;
  /** [vocabSize][dim] */
  readonly tokenEmbedding: Float32Array;
  readonly layers: readonly LayerWeights[];
  /** [dim] */
  readonly rmsFinal: Float32Array;
  /** [vocabSize][dim]; the very array of tokenEmbedding where the checkpoint shares it */
  readonly classifier: Float32Array;
}

export interface LoadWeightsOptions {
  /** Looked at between layers. */
  readonly signal?: AbortSignal;
  /** Called between layers. */
  readonly onProgress?: (layersDone: number, layerCount: number) => void;
}

/**
 * Reads a checkpoint of any version into memory (int8 ones dequantised): as many bytes as it has FP32 weights.
 * @throws FileError when it cannot be read or does not fit into memory
 */
export async function loadReferenceWeights(
  checkpoint: CheckpointFile,
  options: LoadWeightsOptions = {},
): Promise<ReferenceWeights> {
  const { config, sharedClassifier } = checkpoint.layout;
  const tokenEmbedding = readTensor(checkpoint, 'token_embedding');
  const layers: LayerWeights[] = [];
  for (let layer = 0; layer < config.layerCount; layer++) {
    options.onProgress?.(layer, config.layerCount);
    // Reading blocks, so let signals and the progress bar have their turn.
    await nextTurn();
    options.signal?.throwIfAborted();
    layers.push(readLayer(checkpoint, layer));
  }
  const classifier = sharedClassifier ? tokenEmbedding : readTensor(checkpoint, 'wcls');
  const rmsFinal = readTensor(checkpoint, 'rms_final');
  return { path: checkpoint.path, config, tokenEmbedding, layers, rmsFinal, classifier };
}

function readLayer(checkpoint: CheckpointFile, layer: number): LayerWeights {
  const read = (name: string): Float32Array => readTensor(checkpoint, `layers.${layer}.${name}`);
  return {
    rmsAtt: read('rms_att'),
    wq: read('wq'),
    wk: read('wk'),
    wv: read('wv'),
    wo: read('wo'),
    rmsFfn: read('rms_ffn'),
    w1: read('w1'),
    w2: read('w2'),
    w3: read('w3'),
  };
}

function readTensor(checkpoint: CheckpointFile, name: string): Float32Array {
  try {
    return checkpoint.readAll(name);
  } catch (error) {
    // What V8 throws when it cannot allocate an array.
    if (!(error instanceof RangeError)) throw error;
    const { rows, columns } = checkpoint.tensor(name);
    throw new FileError(checkpoint.path, `does not fit into memory: no room for ${name}`, {
      wanted: `${rows * columns * 4} bytes more`,
      next: 'verify on a machine with more memory',
      cause: error,
    });
  }
}
