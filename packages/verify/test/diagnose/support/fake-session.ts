import { headSize, kvDim } from '@npu-llama/format';
import type { MatrixRun, WatchedSession } from '../../../src/npu/npu-under-test.js';
import type { FakeDevice } from './fake-device.js';

/** Steps of the CPU that are wrong. */
export interface StepFaults {
  readonly norm?: (
    normed: Float32Array,
    x: Float32Array,
    kind: 'att' | 'ffn' | 'final',
    layer: number,
  ) => void;
  readonly ropeBase?: number;
  readonly ropePosition?: (position: number) => number;
  /** Before attention at a position. */
  readonly cache?: (keys: Float32Array, values: Float32Array, layer: number, position: number) => void;
  readonly attended?: (out: Float32Array, layer: number, position: number) => void;
  readonly scale?: number;
  readonly gate?: (gate: number, up: number) => number;
  readonly residual?: (x: number, delta: number, after: 'wo' | 'w2', layer: number) => number;
  readonly embedding?: (token: number) => number;
  readonly logits?: (logits: Float32Array, position: number) => void;
}

const { fround } = Math;

/** The model's forward pass, row by row in the formulas' order, in double rounded to float after each step. */
export class FakeSession implements WatchedSession {
  readonly keyValues: { keys: Float32Array; values: Float32Array };

  constructor(
    readonly device: FakeDevice,
    readonly onMatrix: (run: MatrixRun) => void,
    readonly faults: StepFaults,
  ) {
    const { config } = device.weights;
    const size = config.layerCount * config.seqLen * kvDim(config);
    this.keyValues = { keys: new Float32Array(size), values: new Float32Array(size) };
  }

  async forward(tokens: readonly number[], firstPosition: number): Promise<Float32Array> {
    const { weights } = this.device;
    const { config } = weights;
    const rows = tokens.length;
    let x = concat(tokens.map(token => weights.embedding(this.faults.embedding?.(token) ?? token)));
    const product = (matrix: string, input: Float32Array): Float32Array => {
      const { output, jobRows } = this.device.run(matrix, input, rows);
      this.onMatrix({ matrix, firstPosition, rows, jobRows, input, output });
      return output;
    };
    for (let layer = 0; layer < config.layerCount; layer++) {
      const at = `layers.${layer}`;
      const qkv = product(`${at}.wqkv`, this.#norm(x, weights.norm('rms_att', layer), 'att', layer, rows));
      const wo = product(`${at}.wo`, this.#attend(qkv, layer, firstPosition, rows));
      x = this.#add(x, wo, 'wo', layer, rows);
      const w13 = product(`${at}.w13`, this.#norm(x, weights.norm('rms_ffn', layer), 'ffn', layer, rows));
      const stride = w13.length / rows;
      const combine = this.faults.gate ?? ((gate, up) => (gate / (1 + Math.exp(-gate))) * up);
      const hidden = concat(
        range(rows).map(row =>
          Float32Array.from({ length: config.hiddenDim }, (_, i) =>
            combine(w13[row * stride + i]!, w13[row * stride + stride / 2 + i]!),
          ),
        ),
      );
      x = this.#add(x, product(`${at}.w2`, hidden), 'w2', layer, rows);
    }
    const output = product('classifier', this.#norm(x, weights.rmsFinal(), 'final', 0, rows));
    const stride = output.length / rows;
    const logits = range(rows).map(row => output.slice(row * stride, row * stride + config.vocabSize));
    for (const [i, row] of logits.entries()) this.faults.logits?.(row, firstPosition + i);
    return concat(logits);
  }

  async close(): Promise<void> {}

  #norm(
    x: Float32Array,
    weight: Float32Array,
    kind: 'att' | 'ffn' | 'final',
    layer: number,
    rows: number,
  ): Float32Array {
    const dim = weight.length;
    return concat(
      range(rows).map(row => {
        const from = x.subarray(row * dim, (row + 1) * dim);
        const mean = from.reduce((sum, value) => sum + value * value, 0) / dim;
        const normed = from.map((value, i) => weight[i]! * (value / Math.sqrt(mean + 1e-5)));
        this.faults.norm?.(normed, from, kind, layer);
        return normed;
      }),
    );
  }

  #attend(qkv: Float32Array, layer: number, firstPosition: number, rows: number): Float32Array {
    const { config, matrices } = this.device.weights;
    const size = headSize(config);
    const kv = kvDim(config);
    const stride = qkv.length / rows;
    const [, wk, wv] = matrices[layer * 4]!.parts;
    const { keys, values } = this.keyValues;
    const slot = (t: number): number => (layer * config.seqLen + t) * kv;
    const out: Float32Array[] = [];
    for (let row = 0; row < rows; row++) {
      const position = firstPosition + row;
      const from = row * stride;
      const turned = this.faults.ropePosition?.(position) ?? position;
      const query = this.#turn(qkv.slice(from, from + config.dim), turned, size);
      keys.set(
        this.#turn(qkv.slice(from + wk!.firstRow, from + wk!.firstRow + kv), turned, size),
        slot(position),
      );
      values.set(qkv.slice(from + wv!.firstRow, from + wv!.firstRow + kv), slot(position));
      this.faults.cache?.(keys.subarray(slot(0)), values.subarray(slot(0)), layer, position);
      const heads = new Float32Array(config.dim);
      for (let i = 0; i < config.dim; i += size) {
        const kvHead = Math.floor(((i / size) * config.kvHeadCount) / config.headCount) * size;
        const scores = range(position + 1).map(t => {
          let score = 0;
          for (let j = 0; j < size; j++) score += query[i + j]! * keys[slot(t) + kvHead + j]!;
          return score / (this.faults.scale ?? Math.sqrt(size));
        });
        const max = Math.max(...scores);
        const powers = scores.map(score => Math.exp(score - max));
        const total = powers.reduce((a, b) => a + b, 0);
        for (let j = 0; j < size; j++) {
          heads[i + j] = powers.reduce(
            (sum, power, t) => sum + (power / total) * values[slot(t) + kvHead + j]!,
            0,
          );
        }
      }
      this.faults.attended?.(heads, layer, position);
      out.push(heads);
    }
    return concat(out);
  }

  #turn(vector: Float32Array, position: number, size: number): Float32Array {
    const base = this.faults.ropeBase ?? 10000;
    return vector.map((value, i) => {
      const angle = position * base ** (-(2 * Math.floor((i % size) / 2)) / size);
      return i % 2 === 0
        ? value * Math.cos(angle) - vector[i + 1]! * Math.sin(angle)
        : value * Math.cos(angle) + vector[i - 1]! * Math.sin(angle);
    });
  }

  #add(x: Float32Array, output: Float32Array, after: 'wo' | 'w2', layer: number, rows: number): Float32Array {
    const dim = x.length / rows;
    const stride = output.length / rows;
    return x.map((value, i) => {
      const delta = output[Math.floor(i / dim) * stride + (i % dim)]!;
      return fround(this.faults.residual?.(value, delta, after, layer) ?? value + delta);
    });
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function concat(arrays: readonly Float32Array[]): Float32Array {
  return Float32Array.from(arrays.flatMap(array => Array.from(array)));
}
