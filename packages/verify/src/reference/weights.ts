import { type CheckpointFile, FileError, type ModelConfig } from '@npu-llama/format';
import { Pace } from './pace.js';
import { allocateWeights } from './weight-memory.js';

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

const LAYER_TENSORS = {
  rmsAtt: 'rms_att',
  wq: 'wq',
  wk: 'wk',
  wv: 'wv',
  wo: 'wo',
  rmsFfn: 'rms_ffn',
  w1: 'w1',
  w2: 'w2',
  w3: 'w3',
} as const satisfies Record<keyof LayerWeights, string>;

/** Floats read between two looks at the clock. */
const FLOATS_AT_ONCE = 1 << 20;

/**
 * Reads a checkpoint of any version into memory (int8 ones dequantised): as many bytes as it has FP32 weights. They are
 * views into memories of WebAssembly, freed when nothing refers to any of them.
 * @throws FileError when it cannot be read or does not fit into memory
 */
export async function loadReferenceWeights(
  checkpoint: CheckpointFile,
  options: LoadWeightsOptions = {},
): Promise<ReferenceWeights> {
  const { config, sharedClassifier } = checkpoint.layout;
  const pace = new Pace(options.signal);
  const arrays = allocate(checkpoint);
  const read = async (name: string): Promise<Float32Array> => {
    const into = arrays.get(name)!;
    await readTensor(checkpoint, name, into, pace);
    return into;
  };
  const tokenEmbedding = await read('token_embedding');
  const layers: LayerWeights[] = [];
  for (let layer = 0; layer < config.layerCount; layer++) {
    options.onProgress?.(layer, config.layerCount);
    await pace.rest();
    const tensors: [string, Float32Array][] = [];
    for (const [field, name] of Object.entries(LAYER_TENSORS)) {
      tensors.push([field, await read(`layers.${layer}.${name}`)]);
    }
    layers.push(Object.fromEntries(tensors) as unknown as LayerWeights);
  }
  const classifier = sharedClassifier ? tokenEmbedding : await read('wcls');
  const rmsFinal = await read('rms_final');
  return { path: checkpoint.path, config, tokenEmbedding, layers, rmsFinal, classifier };
}

/** Room for every tensor of the checkpoint, by name. */
function allocate(checkpoint: CheckpointFile): Map<string, Float32Array> {
  const tensors = [...checkpoint.layout.tensors.values()];
  const lengths = tensors.map(({ rows, columns }) => rows * columns);
  try {
    const arrays = allocateWeights(lengths);
    return new Map(tensors.map(({ name }, i) => [name, arrays[i]!]));
  } catch (error) {
    // What V8 throws when it cannot allocate.
    if (!(error instanceof RangeError)) throw error;
    throw new FileError(checkpoint.path, 'does not fit into memory', {
      wanted: `${lengths.reduce((sum, length) => sum + length * 4, 0)} bytes`,
      next: 'verify on a machine with more memory',
      cause: error,
    });
  }
}

async function readTensor(
  checkpoint: CheckpointFile,
  name: string,
  into: Float32Array,
  pace: Pace,
): Promise<void> {
  const tensor = checkpoint.tensor(name);
  const step = Math.max(1, Math.floor(FLOATS_AT_ONCE / tensor.columns));
  for (let row = 0; row < tensor.rows; row += step) {
    const count = Math.min(step, tensor.rows - row);
    checkpoint.readRows(tensor, row, count, into.subarray(row * tensor.columns));
    if (pace.due) await pace.rest();
  }
}
