import { beforeAll, describe, expect, test } from '@jest/globals';
import { ExitStatus, floatToHalf, halfToFloat } from '@npu-llama/format';
import {
  type Arithmetic,
  type PackedMatrix,
  ReferenceOverflowError,
  ReferenceSession,
  type ReferenceWeights,
} from '../../src/reference/index.js';
import { changeMatrix } from '../support/matrices.js';
import { copyOfWeights, randomWeights, relativeError, TINY } from '../support/models.js';
import { naiveLogits } from '../support/naive-model.js';

const TOKENS = [1, 17, 300, 17, 42, 0, 255, 9, 9];
/** Sums of a few hundred float32 roundings of 2^-24 each, as for the float32 reference. */
const FLOAT32_ERROR = 2e-6;
const { vocabSize, dim } = TINY;

const half = (value: number): number => halfToFloat(floatToHalf(value));
const FP16 = { weight: half, input: half };

let weights: ReferenceWeights;
beforeAll(async () => {
  weights = await randomWeights({ config: TINY });
});

/** The same model, changed. */
function changed(change: (copy: ReferenceWeights) => void): ReferenceWeights {
  const copy = copyOfWeights(weights);
  change(copy);
  return copy;
}

/** @param index in [rows][columns] */
function setWeight(matrix: PackedMatrix, index: number, value: number): void {
  changeMatrix(matrix, rows => {
    rows[index] = value;
  });
}

function rowsOf(logits: Float32Array): Float32Array[] {
  return Array.from({ length: logits.length / vocabSize }, (_, i) =>
    logits.slice(i * vocabSize, (i + 1) * vocabSize),
  );
}

describe('the FP16-aware reference', () => {
  test('is the model in double precision with weights and inputs of matrices rounded to FP16', async () => {
    const session = new ReferenceSession(weights, TOKENS.length, { arithmetic: 'fp16' });
    const wanted = naiveLogits(weights, TOKENS, FP16);
    const inFloat = naiveLogits(weights, TOKENS);
    rowsOf(await session.forward(TOKENS, 0)).forEach((logits, position) => {
      expect(relativeError(logits, wanted[position]!)).toBeLessThan(FLOAT32_ERROR);
      // What it is not: a hundred times the tolerance away.
      expect(relativeError(logits, inFloat[position]!)).toBeGreaterThan(100 * FLOAT32_ERROR);
    });
  });

  test('clamps weights beyond FP16, of matrices and of the embedding', async () => {
    const large = changed(({ layers, tokenEmbedding }) => {
      setWeight(layers[0]!.wo, 3, 1e6);
      setWeight(tokenEmbedding, dim + 2, -70000);
    });
    const clamped = changed(({ layers, tokenEmbedding }) => {
      setWeight(layers[0]!.wo, 3, 65504);
      setWeight(tokenEmbedding, dim + 2, -65504);
    });
    const run = (model: ReferenceWeights) =>
      new ReferenceSession(model, 2, { arithmetic: 'fp16' }).forward([1, 17], 0);
    expect(await run(large)).toEqual(await run(clamped));
  });

  test('names the matrix and the position of an input that FP16 cannot hold', async () => {
    // A norm of 20 dimensions can give one of them sqrt(20) = 4.5 times the weight, if it has all of the sum.
    const bright = changed(({ layers, tokenEmbedding }) => {
      setWeight(tokenEmbedding, 9 * dim, 1000);
      layers[0]!.rmsFfn.fill(16000);
    });
    const session = new ReferenceSession(bright, 4, { arithmetic: 'fp16' });
    const running = session.forward([1, 17, 9], 0);
    await expect(running).rejects.toBeInstanceOf(ReferenceOverflowError);
    await expect(running).rejects.toMatchObject({ exitStatus: ExitStatus.npuWrong });
    await expect(running).rejects.toThrow(
      /^layers\.0\.w1: an input is beyond FP16: got -?7\d+\.?\d* for column 0 at position 2,/,
    );
  });

  test('runs what would overflow in float32 all the same', async () => {
    const bright = changed(({ layers }) => {
      layers[1]!.rmsFfn.fill(1e6);
    });
    const logits = await new ReferenceSession(bright, 1).forward([1], 0);
    expect(logits.every(Number.isFinite)).toBe(true);
  });
});

describe.each(['fp32', 'fp16'] as const)('%s, in batches', arithmetic => {
  const session = (capacity = TOKENS.length) => new ReferenceSession(weights, capacity, { arithmetic });
  let wanted: Float32Array[];
  beforeAll(async () => {
    const alone = session();
    wanted = [];
    for (const [position, token] of TOKENS.entries()) {
      wanted.push((await alone.forward([token], position)).slice());
    }
  });

  test.each([2, 3, 4, 5, 9])('of %i: the same bits as alone', async size => {
    const batched = session();
    const got = [];
    for (let first = 0; first < TOKENS.length; first += size) {
      got.push(...rowsOf(await batched.forward(TOKENS.slice(first, first + size), first)));
    }
    expect(got).toEqual(wanted);
  });

  test('the logits of the last position alone', async () => {
    expect(await session().forward(TOKENS, 0, { logits: 'last' })).toEqual(wanted.at(-1));
  });

  test('going back into a batch forgets what followed', async () => {
    const one = session();
    await one.forward([1, 17, 5, 5, 5, 5], 0);
    expect(rowsOf(await one.forward(TOKENS.slice(2), 2))).toEqual(wanted.slice(2));
  });

  test('weights spread over many memories give the same bits', async () => {
    const spread = changed(() => {});
    expect(spread.layers[0]!.wq.bands[0]!.memory).not.toBe(weights.layers[0]!.wq.bands[0]!.memory);
    const logits = await new ReferenceSession(spread, 9, { arithmetic }).forward(TOKENS, 0);
    expect(rowsOf(logits)).toEqual(wanted);
  });
});

test('a text longer than a batch can be is the same as in pieces', async () => {
  const long = await randomWeights({ config: { ...TINY, layerCount: 1, seqLen: 70 } });
  const tokens = Array.from({ length: 70 }, (_, i) => (i * 37) % vocabSize);
  const whole = (await new ReferenceSession(long, 70).forward(tokens, 0)).slice();
  const pieces = new ReferenceSession(long, 70);
  const first = (await pieces.forward(tokens.slice(0, 33), 0)).slice();
  const second = await pieces.forward(tokens.slice(33), 33);
  expect(Float32Array.from([...first, ...second])).toEqual(whole);
  const last = await new ReferenceSession(long, 70).forward(tokens, 0, { logits: 'last' });
  expect(last).toEqual(whole.slice(-vocabSize));
});

describe('onMatrix', () => {
  const told = async (tokens: readonly number[], arithmetic: Arithmetic) => {
    const calls: { matrix: string; position: number; input: Float32Array; output: Float32Array }[] = [];
    const session = new ReferenceSession(weights, 4, {
      arithmetic,
      onMatrix: (matrix, position, input, output) =>
        calls.push({ matrix, position, input: input.slice(), output: output.slice() }),
    });
    return { logits: (await session.forward(tokens, 0)).slice(), calls };
  };

  test('tells every product of every position, in the order of the data flow', async () => {
    const { calls } = await told([1, 17], 'fp32');
    const layer = ['wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2'];
    const names = [0, 1].flatMap(i => layer.map(name => `layers.${i}.${name}`));
    expect(calls.map(({ matrix, position }) => [matrix, position])).toEqual(
      [...names, 'classifier'].flatMap(name => [
        [name, 0],
        [name, 1],
      ]),
    );
  });

  test('tells the input as it was before rounding, and the product of the rounded one', async () => {
    const { calls, logits } = await told([1, 17], 'fp16');
    for (const { matrix, input, output } of calls) {
      const [, layer, name] = matrix.split('.');
      const matrixWeights =
        layer === undefined ? weights.classifier : weights.layers[Number(layer)]![name as 'wq'];
      const wanted = Array.from(output.keys(), row => {
        const values = matrixWeights.row(row);
        return input.reduce((sum, x, c) => sum + half(x) * half(values[c]!), 0);
      });
      expect(relativeError(output, wanted)).toBeLessThan(FLOAT32_ERROR);
      expect(input).not.toEqual(input.map(half));
    }
    expect(calls.filter(({ matrix }) => matrix === 'classifier').map(({ output }) => output)).toEqual(
      rowsOf(logits),
    );
  });
});

describe('one call at a time', () => {
  test('rejects a second one while the first is running', async () => {
    const session = new ReferenceSession(weights, 4);
    const first = session.forward([1], 0);
    const second = session.forward([1], 0);
    await expect(second).rejects.toThrow('a reference session runs one call at a time');
    await first;
    await expect(session.forward([17], 1)).resolves.toHaveLength(vocabSize);
  });

  test("ends half-way with the signal's reason, and goes on from where it was", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let products = 0;
    const session = new ReferenceSession(weights, 4, {
      onMatrix: () => {
        if (++products === 10) controller.abort(reason);
      },
    });
    await expect(session.forward([1, 17, 9], 0, { signal: controller.signal })).rejects.toBe(reason);
    expect(products).toBeLessThan(20);
    const wanted = await new ReferenceSession(weights, 4).forward([1, 17, 9], 0);
    expect(await session.forward([1, 17, 9], 0)).toEqual(wanted);
  });

  test.each([
    ['no token at all', [], 0],
    ['more tokens than there is room for', [1, 1, 1, 1, 1], 0],
    ['a wrong token among others', [1, 301], 0],
  ])('rejects %s', async (_, tokens, position) => {
    await expect(new ReferenceSession(weights, 4).forward(tokens, position)).rejects.toThrow(/wanted/);
  });
});
