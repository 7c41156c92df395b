import { type CheckpointFile, FileError, type ModelConfig } from '@npu-llama/format';
import { ADDRESS_SPACE_REMEDY, WasmMemoryError } from '@npu-llama/format/wasm';
import { GROUP_ROWS } from './kernels.js';
import { Pace } from './pace.js';
import type { PackedMatrix } from './packed-matrix.js';
import { Threads } from './threads.js';
import { allocateMatrices } from './weight-memory.js';

/** One layer's tensors: vectors f32, matrices [rows][columns]. */
export interface LayerWeights {
  /** [dim] */
  readonly rmsAtt: Float32Array;
  /** [dim][dim] */
  readonly wq: PackedMatrix;
  /** [kvDim][dim] */
  readonly wk: PackedMatrix;
  /** [kvDim][dim] */
  readonly wv: PackedMatrix;
  /** [dim][dim] */
  readonly wo: PackedMatrix;
  /** [dim] */
  readonly rmsFfn: Float32Array;
  /** [hiddenDim][dim] */
  readonly w1: PackedMatrix;
  /** [dim][hiddenDim] */
  readonly w2: PackedMatrix;
  /** [hiddenDim][dim] */
  readonly w3: PackedMatrix;
}

/** All of a model in FP32, as its checkpoint holds it. */
export interface ReferenceWeights {
  /** The checkpoint that they were read from, for messages. */
  readonly path: string;
  readonly config: ModelConfig;
  /** [vocabSize][dim] */
  readonly tokenEmbedding: PackedMatrix;
  readonly layers: readonly LayerWeights[];
  /** [dim] */
  readonly rmsFinal: Float32Array;
  /** [vocabSize][dim]; the very matrix of tokenEmbedding where the checkpoint shares it */
  readonly classifier: PackedMatrix;
  /** Where products of them are computed. */
  readonly threads: Threads;
}

export interface LoadWeightsOptions {
  /** For products of the weights; closed by whoever made them. By default the calling thread alone. */
  readonly threads?: Threads;
  /** Looked at between layers. */
  readonly signal?: AbortSignal;
  /** Called between layers. */
  readonly onProgress?: (layersDone: number, layerCount: number) => void;
}

/** Tensors that are no matrices. */
const VECTOR = /(?:^|\.)rms_/;
const LAYER_MATRICES = ['wq', 'wk', 'wv', 'wo', 'w1', 'w2', 'w3'] as const;

/** Floats read at a time: they stay in a cache on their way into groups of rows. */
const FLOATS_AT_ONCE = 1 << 16;

/**
 * Reads a checkpoint of any version into memory (int8 ones dequantised): as many bytes as it has FP32 weights. Matrices lie in memories
 * of WebAssembly, freed when nothing refers to any of them.
 * @throws FileError when it cannot be read or does not fit into memory
 */
export async function loadReferenceWeights(
  checkpoint: CheckpointFile,
  options: LoadWeightsOptions = {},
): Promise<ReferenceWeights> {
  const { config, sharedClassifier } = checkpoint.layout;
  const pace = new Pace(options.signal);
  const matrices = allocate(checkpoint);
  const read = async (name: string): Promise<PackedMatrix> => {
    const into = matrices.get(name)!;
    await readMatrix(checkpoint, name, into, pace);
    return into;
  };
  const tokenEmbedding = await read('token_embedding');
  const layers: LayerWeights[] = [];
  for (let i = 0; i < config.layerCount; i++) {
    options.onProgress?.(i, config.layerCount);
    await pace.rest();
    const layer: Partial<Record<string, PackedMatrix>> = {};
    for (const name of LAYER_MATRICES) layer[name] = await read(`layers.${i}.${name}`);
    const vector = (name: string): Float32Array => checkpoint.readAll(`layers.${i}.${name}`);
    layers.push({
      ...(layer as Pick<LayerWeights, (typeof LAYER_MATRICES)[number]>),
      rmsAtt: vector('rms_att'),
      rmsFfn: vector('rms_ffn'),
    });
  }
  return {
    path: checkpoint.path,
    config,
    tokenEmbedding,
    layers,
    rmsFinal: checkpoint.readAll('rms_final'),
    classifier: sharedClassifier ? tokenEmbedding : await read('wcls'),
    threads: options.threads ?? ONE_THREAD,
  };
}

/** Has no workers, so nobody has to close it. */
const ONE_THREAD = new Threads(1);

/** Room for every matrix of the checkpoint, by name. */
function allocate(checkpoint: CheckpointFile): Map<string, PackedMatrix> {
  const tensors = [...checkpoint.layout.tensors.values()].filter(({ name }) => !VECTOR.test(name));
  try {
    const matrices = allocateMatrices(tensors);
    return new Map(tensors.map(({ name }, i) => [name, matrices[i]!]));
  } catch (error) {
    // RangeError: of a matrix that no memory holds.
    if (!(error instanceof WasmMemoryError || error instanceof RangeError)) throw error;
    throw new FileError(checkpoint.path, 'does not fit into memory', {
      wanted: `${tensors.reduce((sum, { rows, columns }) => sum + rows * columns * 4, 0)} bytes`,
      next: `verify on a machine with more memory; ${ADDRESS_SPACE_REMEDY}`,
      cause: error,
    });
  }
}

async function readMatrix(
  checkpoint: CheckpointFile,
  name: string,
  into: PackedMatrix,
  pace: Pace,
): Promise<void> {
  const tensor = checkpoint.tensor(name);
  const { rows, columns } = tensor;
  const step = GROUP_ROWS * Math.max(1, Math.floor(FLOATS_AT_ONCE / GROUP_ROWS / columns));
  const piece = new Float32Array(Math.min(step, rows) * columns);
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    checkpoint.readRows(tensor, row, count, piece);
    into.setRows(row, piece.subarray(0, count * columns));
    if (pace.due) await pace.rest();
  }
}
