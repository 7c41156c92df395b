import {
  type AbortCheck,
  CLASSIFIER_MATRIX,
  headSize,
  LAYER_MATRICES,
  type LoadTensorsOptions,
  NpuFile,
  type TiledMatrix,
} from '@npu-llama/format';
import type { NpuDevice } from '../device/index.js';
import type { DmaBuffer } from '../driver/driver.js';
import { freeAfterFailure } from '../driver/free-all.js';
import { RopeTable } from '../kernels/index.js';
import { Tokenizer } from '../text/index.js';
import { WorkerDevice } from '../worker/index.js';
import { buildJobs, type ModelBuffers } from './build-jobs.js';
import { checkDumped } from './check-dumped.js';
import { newCounters } from './counters.js';
import { Embedding } from './embedding.js';
import { LocalModel } from './local-model.js';
import type { MatrixJob } from './matrix-job.js';
import { type MemoryPlan, type PlannedBuffer, planMemory } from './memory-plan.js';
import { ModelMatrices } from './model-matrices.js';
import type { NpuModel } from './npu-model.js';
import { type LayerJobs, Transformer } from './transformer.js';

export interface LoadModelOptions {
  /** Called after each matrix with the bytes read so far and in all. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
  /**
   * Whether what is read is held against the file's checksums (default true). Without that a damaged file is loaded as it
   * is: for finding out whether damage shows.
   */
  readonly verifyChecksums?: boolean;
}

/**
 * Loads a .npu file into DMA memory and builds every register program. What it needs is checked before anything is
 * allocated; when a step fails, what came before it is freed.
 * @throws FileError for a bad file, ModelLimitError for a model beyond the NPU, DeviceError when memory is refused
 */
export async function loadModel(
  device: NpuDevice,
  path: string,
  options: LoadModelOptions = {},
): Promise<NpuModel> {
  return device instanceof WorkerDevice
    ? device.loadModel(path, options)
    : loadLocalModel(device, path, options);
}

/** LoadModelOptions, with a signal of any kind. */
export type LocalLoadOptions = Omit<LoadModelOptions, 'signal'> & { readonly signal?: AbortCheck };

/** As loadModel, onto a device that this thread drives. */
export async function loadLocalModel(
  device: NpuDevice,
  path: string,
  options: LocalLoadOptions,
): Promise<LocalModel> {
  using file = NpuFile.open(path);
  const { driver, cores } = device;
  const { config, matrices } = file;
  checkDumped(matrices, path);
  const { taskRecordBytes } = driver;
  const { signal } = options;
  const reading: LoadTensorsOptions = {
    verifyChecksum: options.verifyChecksums !== false,
    ...(signal === undefined ? {} : { signal }),
  };
  const plan = planMemory({ config, matrices, cores, decodeRows: device.decodeRows, taskRecordBytes, path });
  const allocated: DmaBuffer[] = [];
  try {
    const buffers = allocate(plan, planned => {
      const buffer = driver.allocate({ ...planned, planBytes: plan.totalBytes });
      allocated.push(buffer);
      return buffer;
    });
    await loadWeights(file, matrices, buffers.weights, reading, options.onProgress);
    const counters = newCounters();
    const jobs = buildJobs({ driver, cores, plan, matrices, buffers, counters });
    const byName = new Map(jobs.map(job => [job.matrix.name, job]));
    const vocabulary = file.readTokenizer(reading);
    const transformer = new Transformer({
      config,
      embedding: await Embedding.open(file, buffers.weights[buffers.weights.length - 1]!, reading),
      layers: Array.from({ length: config.layerCount }, (_, layer) => layerJobs(byName, layer)),
      classifier: byName.get(CLASSIFIER_MATRIX)!,
      rmsAtt: file.readFloats('rms_att', reading),
      rmsFfn: file.readFloats('rms_ffn', reading),
      rmsFinal: file.readFloats('rms_final', reading),
      rope: new RopeTable(headSize(config), config.seqLen),
      maxRows: plan.rowVariants[plan.rowVariants.length - 1]!,
    });
    const { weights } = buffers;
    const modelMatrices = new ModelMatrices({ config, jobs, weights, turn: transformer.turn });
    const tokenizer = vocabulary === undefined ? undefined : new Tokenizer(vocabulary);
    const { description } = file;
    return new LocalModel({
      path,
      description,
      device,
      plan,
      buffers: allocated,
      transformer,
      matrices: modelMatrices,
      tokenizer,
      counters,
    });
  } catch (error) {
    freeAfterFailure(allocated);
    throw error;
  }
}

function allocate(plan: MemoryPlan, one: (planned: PlannedBuffer) => DmaBuffer): ModelBuffers {
  return {
    weights: plan.weights.map(one),
    features: one(plan.features),
    results: one(plan.results),
    programs: one(plan.programs),
    tasks: one(plan.tasks),
  };
}

async function loadWeights(
  file: NpuFile,
  matrices: readonly TiledMatrix[],
  buffers: readonly DmaBuffer[],
  reading: LoadTensorsOptions,
  onProgress: LoadModelOptions['onProgress'],
): Promise<void> {
  const total = buffers.reduce((sum, buffer) => sum + buffer.bytes.length, 0);
  let done = 0;
  await file.loadTensors(
    matrices.map(({ name }, index) => ({ name, into: buffers[index]! })),
    {
      ...reading,
      onTensor: ({ bytes }) => {
        done += bytes;
        onProgress?.(done, total);
      },
    },
  );
}

function layerJobs(byName: ReadonlyMap<string, MatrixJob>, layer: number): LayerJobs {
  const jobs = LAYER_MATRICES.map(name => [name, byName.get(`layers.${layer}.${name}`)!]);
  return Object.fromEntries(jobs) as unknown as LayerJobs;
}
