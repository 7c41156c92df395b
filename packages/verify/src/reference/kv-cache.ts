import { headSize, kvDim, type ModelConfig } from '@npu-llama/format';
import { createMemory } from '@npu-llama/format/wasm';
import { type AttentionKernels, attentionKernelsIn } from './kernels.js';
import { softmax } from './softmax.js';

const { fround } = Math;

/** Positions, or elements of a head, that lie side by side. */
const GROUP = 8;
/** Of one memory, unless a layer needs more: so that few are needed, and a large model's cache takes several. */
const MEMORY_BYTES = 2 ** 30;
/** Address 0 stays unused. */
const FIRST_ADDRESS = 1024;

/** Sizes of a cache, in floats. */
interface Sizes {
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly headSize: number;
  /** Positions that there is room for, in groups of 8. */
  readonly capacity: number;
  readonly elementGroups: number;
  readonly keys: number;
  readonly values: number;
}

/** Where attention works in a memory, f32 all: one position at a time. */
interface Desk {
  readonly kernels: AttentionKernels;
  /** [headCount][headSize] */
  readonly queries: Float32Array;
  /** [headCount][capacity] */
  readonly scores: Float32Array;
  /** [headCount][elementGroups][8] */
  readonly out: Float32Array;
}

/** Room for so many positions in every layer. @throws WasmMemoryError when there is not enough memory */
export function createKeyValueCache(config: ModelConfig, positions: number): LayerCache[] {
  const size = headSize(config);
  const { headCount, kvHeadCount } = config;
  const capacity = Math.ceil(positions / GROUP) * GROUP;
  const elementGroups = Math.ceil(size / GROUP);
  const keys = kvDim(config) * capacity;
  const values = kvHeadCount * elementGroups * GROUP * capacity;
  const sizes = { headCount, kvHeadCount, headSize: size, capacity, elementGroups, keys, values };
  const layersAtOnce = Math.max(1, Math.floor(MEMORY_BYTES / (keys + values) / 4));
  const layers: LayerCache[] = [];
  while (layers.length < config.layerCount) {
    layers.push(...layersInOneMemory(sizes, Math.min(layersAtOnce, config.layerCount - layers.length)));
  }
  return layers;
}

function layersInOneMemory(sizes: Sizes, count: number): LayerCache[] {
  const { headCount, elementGroups, capacity } = sizes;
  const desk = [headCount * sizes.headSize, headCount * capacity, headCount * elementGroups * GROUP] as const;
  const floats = desk.reduce((sum, length) => sum + length, count * (sizes.keys + sizes.values));
  // Not shared: V8 frees what is not shared as soon as memory is short.
  const memory = createMemory(FIRST_ADDRESS + floats * 4, 'the keys and values of the CPU reference');
  let next = FIRST_ADDRESS;
  const allocate = (length: number): Float32Array => {
    const array = new Float32Array(memory.buffer, next, length);
    next += length * 4;
    return array;
  };
  const [queries, scores, out] = desk;
  const shared = {
    kernels: attentionKernelsIn(memory),
    queries: allocate(queries),
    scores: allocate(scores),
    out: allocate(out),
  };
  return Array.from(
    { length: count },
    () => new LayerCache(sizes, shared, allocate(sizes.keys), allocate(sizes.values)),
  );
}

/** Keys and values of one layer for every position so far, laid out for the kernels. */
export class LayerCache {
  /**
   * @param keys [kvHeadCount][capacity/8][headSize][8] f32: a head's keys are the rows of a matrix
   * @param values [kvHeadCount][elementGroups][capacity][8] f32: a head's values are its columns
   */
  constructor(
    readonly sizes: Sizes,
    readonly desk: Desk,
    readonly keys: Float32Array,
    readonly values: Float32Array,
  ) {}

  /**
   * Writes what one position adds.
   * @param key [kvHeadCount][headSize] f32, turned by RoPE
   * @param value [kvHeadCount][headSize] f32
   */
  store(position: number, key: Float32Array, value: Float32Array): void {
    const { kvHeadCount, headSize: size, capacity, elementGroups } = this.sizes;
    const lane = position % GROUP;
    for (let head = 0; head < kvHeadCount; head++) {
      const toKeys = (head * capacity + position - lane) * size + lane;
      for (let i = 0; i < size; i++) this.keys[toKeys + i * GROUP] = key[head * size + i]!;
      for (let group = 0; group < elementGroups; group++) {
        const from = head * size + group * GROUP;
        const some = value.subarray(from, Math.min(from + GROUP, (head + 1) * size));
        this.values.set(some, ((head * elementGroups + group) * capacity + position) * GROUP);
      }
    }
  }

  /**
   * Causal attention of one position over itself and all before, to the bit what attendPlain of plain-attention.ts computes.
   * @param out [headCount][headSize] f32
   * @param queries [headCount][headSize] f32, turned by RoPE
   */
  attend(out: Float32Array, queries: Float32Array, position: number): void {
    const { headCount, kvHeadCount, headSize: size, capacity, elementGroups } = this.sizes;
    const { desk, keys, values } = this;
    const count = position + 1;
    const scale = fround(Math.sqrt(size));
    desk.queries.set(queries);
    desk.kernels.score(
      ...([keys.byteOffset, headCount, kvHeadCount, size, capacity, Math.ceil(count / GROUP)] as const),
      ...([desk.queries.byteOffset, desk.scores.byteOffset] as const),
    );
    for (let head = 0; head < headCount; head++) {
      const scores = desk.scores.subarray(head * capacity, head * capacity + count);
      for (let t = 0; t < count; t++) scores[t] = scores[t]! / scale;
      softmax(scores);
    }
    desk.kernels.weigh(
      ...([values.byteOffset, headCount, kvHeadCount, elementGroups, capacity, count] as const),
      ...([desk.scores.byteOffset, desk.out.byteOffset] as const),
    );
    for (let head = 0; head < headCount; head++) {
      const from = head * elementGroups * GROUP;
      out.set(desk.out.subarray(from, from + size), head * size);
    }
  }
}
