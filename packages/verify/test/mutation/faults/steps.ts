import { type AttentionShape, CpuKernels, MatrixJob, RopeTable } from '@npu-llama/runtime/testing';
import type { Fault } from '../support/fault.js';
import { replaceMethod } from '../support/patches.js';

/** The steps that are replaced here, as functions. */
type Steps = Pick<CpuKernels, 'addInPlace' | 'applyRope' | 'attention' | 'rmsNorm' | 'swiglu'>;

/** Puts a wrong step in the place of one of the CPU's. */
function replace<Name extends keyof Steps>(
  name: Name,
  wrong: (right: Steps[Name], call: number) => Steps[Name],
): () => void {
  return () => {
    const right = CpuKernels.prototype[name] as (...args: unknown[]) => void;
    let call = 0;
    const replacement = function (this: CpuKernels, ...args: unknown[]): void {
      (wrong(right.bind(this) as Steps[Name], call++) as (...args: unknown[]) => void)(...args);
    };
    replaceMethod(CpuKernels.prototype as Steps, name, replacement as Steps[Name]);
  };
}

/** kvDim of the fixture. */
const KV = 48;
/** Calls of a pass through the fixture's 4 layers: of rmsNorm, and of addInPlace. */
const NORMS = 9;
const ADDITIONS = 8;

const rmsNorm = (
  out: Float32Array,
  x: Float32Array,
  from: number,
  weightOf: (i: number) => number,
  rows: number,
  size: number,
  epsilon: number,
): void => {
  for (let at = 0; at < rows * size; at += size) {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += x[from + at + i]! ** 2;
    const scale = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) out[at + i] = weightOf(i) * scale * x[from + at + i]!;
  }
};

/** Leaves a norm out: its input goes on as it is. */
const leaveOutNorm = (index: number): (() => void) =>
  replace('rmsNorm', (right, call) => (out, x, from, weight, at, rows, size) => {
    if (call % NORMS === index) out.set(x.subarray(from, from + rows * size));
    else right(out, x, from, weight, at, rows, size);
  });

function patchRope(values: (position: number, pair: number, size: number) => number): () => void {
  return () => {
    const right = RopeTable.prototype.at;
    replaceMethod(RopeTable.prototype, 'at', function (this: RopeTable, position) {
      const { length } = right.call(this, position);
      return Float32Array.from({ length }, (_, i) => {
        const angle = values(position, Math.floor(i / 2), length);
        return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
      });
    });
  };
}

/** Reads parts of a matrix's result in another order. */
function readParts(matrix: string, partOf: (part: number) => number): () => void {
  return () => {
    const right = MatrixJob.prototype.read;
    replaceMethod(MatrixJob.prototype, 'read', function (this: MatrixJob, kernels, part, into, at) {
      right.call(this, kernels, this.matrix.name === matrix ? partOf(part) : part, into, at);
    });
  };
}

/** Attention of one position: see the runtime's kernel. */
interface AttentionStep {
  /** [headCount][headSize], as query. */
  readonly out: Float32Array;
  readonly query: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly cacheAt: number;
  readonly position: number;
  readonly shape: AttentionShape;
}

/** Does something else instead of attention, row by row; `run` does what it should with what it is given. */
function wrongAttention(
  wrong: (step: AttentionStep, run: (step: AttentionStep) => void) => void,
): () => void {
  return replace('attention', right => {
    const run = ({ out, query, keys, values, cacheAt, position, shape }: AttentionStep): void =>
      right(out, query, keys, values, cacheAt, position, 1, shape);
    return (out, query, keys, values, cacheAt, firstPosition, rows, shape) => {
      const dim = shape.headCount * shape.headSize;
      for (let row = 0; row < rows; row++) {
        const of = (array: Float32Array): Float32Array => array.subarray(row * dim, (row + 1) * dim);
        const position = firstPosition + row;
        wrong({ out: of(out), query: of(query), keys, values, cacheAt, position, shape }, run);
      }
    };
  });
}

const scaledAttention = (factor: (headSize: number) => number): (() => void) =>
  wrongAttention((step, run) => {
    const by = factor(step.shape.headSize);
    step.query.forEach((value, i) => {
      step.query[i] = value * by;
    });
    run(step);
  });

/** Softmax of a head's scores without taking their maximum off first. */
function attentionWithoutMaximum(step: AttentionStep): void {
  const { out, query, keys, values, cacheAt, position, shape } = step;
  const { headCount, kvHeadCount, headSize } = shape;
  for (let head = 0; head < headCount; head++) {
    const kv = cacheAt + Math.floor((head * kvHeadCount) / headCount) * headSize;
    const of = (cache: Float32Array, t: number, i: number): number =>
      cache[kv + t * kvHeadCount * headSize + i]!;
    const powers = Array.from({ length: position + 1 }, (_, t) => {
      let dot = 0;
      for (let i = 0; i < headSize; i++) dot += query[head * headSize + i]! * of(keys, t, i);
      return Math.exp(dot / Math.sqrt(headSize));
    });
    const sum = powers.reduce((a, b) => a + b);
    for (let i = 0; i < headSize; i++) {
      out[head * headSize + i] = powers.reduce((all, power, t) => all + (power / sum) * of(values, t, i), 0);
    }
  }
}

/** Wrong steps on the CPU, between the matrices. */
export const stepFaults: readonly Fault[] = [
  {
    name: 'RoPE with another base',
    put: '9000 instead of 10000',
    patch: patchRope((position, pair, size) => position * 9000 ** ((-2 * pair) / size)),
    expected: { status: 1, by: ['audit'], place: 'layers.0 keys and values', says: /RoPE/ },
  },
  {
    name: 'RoPE of the next position',
    put: 'every layer',
    patch: patchRope((position, pair, size) => (position + 1) * 10000 ** ((-2 * pair) / size)),
    expected: { status: 1, by: ['audit'], place: 'layers.0 keys and values', says: /RoPE/ },
  },
  {
    name: 'RoPE not applied to keys',
    put: 'every layer',
    patch: replace('applyRope', right => (vectors, at, rows, size, headSize, turns, first) => {
      if (size !== KV) right(vectors, at, rows, size, headSize, turns, first);
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 keys and values', says: /RoPE/ },
  },
  {
    name: 'RoPE on pairs half a head apart',
    put: 'every layer',
    patch: replace('applyRope', () => (vectors, at, rows, size, headSize, turns, first) => {
      const half = headSize / 2;
      for (let head = at; head < at + rows * size; head += headSize) {
        const turn = (first + Math.floor((head - at) / size)) * headSize;
        for (let i = 0; i < half; i++) {
          const [a, b] = [vectors[head + i]!, vectors[head + half + i]!];
          const [cos, sin] = [turns[turn + 2 * i]!, turns[turn + 2 * i + 1]!];
          vectors[head + i] = a * cos - b * sin;
          vectors[head + half + i] = a * sin + b * cos;
        }
      }
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 keys and values', says: /RoPE/ },
  },
  {
    name: "wk and wv read in each other's place",
    put: 'layers.1, in the runtime',
    patch: readParts('layers.1.wqkv', part => (part === 0 ? 0 : 3 - part)),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.1 keys and values', says: /exchanged/ },
  },
  {
    name: "w1 and w3 read in each other's place",
    put: 'layers.2, in the runtime',
    patch: readParts('layers.2.w13', part => 1 - part),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.2 SwiGLU', says: /SwiGLU/ },
  },
  {
    name: 'the norm before attention left out',
    put: 'layers.1',
    patch: leaveOutNorm(2),
    expected: {
      status: 1,
      by: ['audit', 'logits'],
      place: 'layers.1 attention norm',
      says: /norm is left out/,
    },
  },
  {
    name: 'the norm before the feed-forward layer left out',
    put: 'layers.2',
    patch: leaveOutNorm(5),
    expected: {
      status: 1,
      by: ['audit', 'logits'],
      place: 'layers.2 feed-forward norm',
      says: /norm is left out/,
    },
  },
  {
    name: 'the final norm left out',
    put: 'behind the last layer',
    patch: leaveOutNorm(8),
    expected: { status: 1, by: ['audit', 'logits'], place: 'final norm', says: /norm is left out/ },
  },
  {
    name: "another layer's norm weights",
    put: 'layers.1 attention norm has those of layers.2',
    patch: replace(
      'rmsNorm',
      (right, call) => (out, x, from, weight, at, rows, size) =>
        right(out, x, from, weight, call % NORMS === 2 ? at + size : at, rows, size),
    ),
    expected: { status: 1, by: ['audit'], place: 'layers.1 attention norm', says: /another's weights/ },
  },
  {
    name: 'a norm with another epsilon',
    put: 'every norm, 1e-3 instead of 1e-5',
    patch: replace(
      'rmsNorm',
      () => (out, x, from, weight, at, rows, size) =>
        rmsNorm(out, x, from, i => weight[at + i]!, rows, size, 1e-3),
    ),
    expected: { status: 1, by: ['audit'], place: 'layers.0 attention norm' },
  },
  {
    name: 'a residual left out behind attention',
    put: 'layers.2',
    patch: replace('addInPlace', (right, call) => (x, y, count) => {
      if (call % ADDITIONS !== 4) right(x, y, count);
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.2 feed-forward norm', says: /residual/ },
  },
  {
    name: 'a residual overwritten',
    put: 'layers.1, behind the feed-forward layer',
    patch: replace('addInPlace', (right, call) => (x, y, count) => {
      if (call % ADDITIONS === 3) x.set(y.subarray(0, count));
      else right(x, y, count);
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.2 attention norm', says: /residual/ },
  },
  {
    name: 'attention scaled by 1 / head size',
    put: 'every layer',
    patch: scaledAttention(headSize => 1 / Math.sqrt(headSize)),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 attention', says: /attention is wrong/ },
  },
  {
    name: 'attention not scaled',
    put: 'every layer',
    patch: scaledAttention(Math.sqrt),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 attention', says: /attention is wrong/ },
  },
  {
    name: 'heads that read other keys and values',
    put: 'head h reads h % 3 instead of floor(h / 2)',
    patch: wrongAttention((step, run) => {
      const { kvHeadCount, headCount, headSize } = step.shape;
      const shape = { headCount: kvHeadCount, kvHeadCount, headSize };
      for (let head = 0; head < headCount; head += kvHeadCount) {
        const by = head * headSize;
        run({ ...step, out: step.out.subarray(by), query: step.query.subarray(by), shape });
      }
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 attention', says: /attention is wrong/ },
  },
  {
    name: 'attention that leaves out its own position',
    put: 'every layer',
    patch: wrongAttention((step, run) => run({ ...step, position: Math.max(0, step.position - 1) })),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 attention', says: /attention is wrong/ },
  },
  {
    name: 'attention that leaves out the first position',
    put: 'every layer',
    patch: wrongAttention((step, run) => {
      if (step.position === 0) run(step);
      else run({ ...step, cacheAt: step.cacheAt + KV, position: step.position - 1 });
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 attention', says: /attention is wrong/ },
  },
  {
    name: 'keys read with too few bits',
    put: 'every layer, rounded to a 64th',
    patch: wrongAttention((step, run) => {
      const right = step.keys.slice();
      right.forEach((key, i) => {
        step.keys[i] = Math.round(key * 64) / 64;
      });
      run(step);
      step.keys.set(right);
    }),
    expected: { status: 1, by: ['audit'], place: 'layers.0 attention', says: /attention is wrong/ },
  },
  {
    name: 'softmax without taking off the maximum',
    put: 'every layer: nothing overflows',
    patch: wrongAttention(attentionWithoutMaximum),
    expected: { status: 0, by: [] },
  },
  {
    name: 'SwiGLU with a sigmoid alone',
    put: 'every layer',
    patch: replace('swiglu', () => (gate, up, count) => {
      for (let i = 0; i < count; i++) gate[i] = up[i]! / (1 + Math.exp(-gate[i]!));
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 SwiGLU', says: /SwiGLU/ },
  },
  {
    name: 'GELU instead of SiLU',
    put: 'every layer, as x * sigmoid(1.702 x)',
    patch: replace('swiglu', () => (gate, up, count) => {
      for (let i = 0; i < count; i++) gate[i] = (gate[i]! / (1 + Math.exp(-1.702 * gate[i]!))) * up[i]!;
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 SwiGLU', says: /SwiGLU/ },
  },
];
