import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { describeDevice, describeOneAdapter } from '@npu-llama/fixtures';
import { headSize, kvDim, UsageError } from '@npu-llama/format';
import { type DecodeRows, openDevice } from '../../src/device/index.js';
import { loadModel, type MatrixProduct, type NpuModel } from '../../src/model/index.js';
import { rejectionOf } from '../support/errors.js';
import { type FileMatrix, fileMatrices } from '../support/file-matrices.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { paddingOutputs, wrongProduct } from '../support/plain-product.js';
import { inject, leftBehind, NOTHING, simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const tokensOf = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 53 + 1) % TINY.vocabSize);

/** A product that outlives the call. */
const kept = (product: MatrixProduct): MatrixProduct => ({
  ...product,
  input: product.input.slice(),
  output: product.output.slice(),
});

const DEVICES = [1, 2, 3].flatMap(cores => ([1, 4] as const).map(rows => [cores, rows] as const));

describeDevice('a watched session', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  let matrices: Map<string, FileMatrix>;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
    matrices = fileMatrices(files.model);
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  async function withModel(
    body: (model: NpuModel) => Promise<void>,
    options: { readonly cores?: number; readonly rows?: DecodeRows; readonly path?: string } = {},
  ): Promise<void> {
    const { path = files.model, ...deviceOptions } = options;
    {
      await using device = await openDevice({ kind: 'sim', ...deviceOptions });
      await using model = await loadModel(device, path);
      await body(model);
    }
    expect(leftBehind()).toEqual(NOTHING);
  }

  describeOneAdapter('with every number of cores and rows', () => {
    describe.each(DEVICES)('on %i core(s), decoding with %i row(s)', (cores, decodeRows) => {
      // Every variant, exactly filled and not.
      test.each([
        [1, decodeRows],
        [3, 4],
        [4, 4],
        [5, 16],
        [16, 16],
        [17, 64],
        [64, 64],
      ])(
        'shows of %i tokens what weights and inputs give, of every matrix, by jobs of %i rows',
        async (rows, jobRows) => {
          await withModel(
            async model => {
              const seen: string[] = [];
              const onProduct = (product: MatrixProduct): void => {
                const { matrix, bytes } = matrices.get(product.matrix)!;
                seen.push(product.matrix);
                expect(product).toMatchObject({ firstPosition: 0, rows, jobRows });
                expect(product.input).toHaveLength(rows * matrix.columns);
                expect([product.matrix, wrongProduct(matrix, bytes, product.input, product.output)]).toEqual([
                  product.matrix,
                  undefined,
                ]);
              };
              await using session = model.createSession({ onProduct });
              await session.forwardBatch(tokensOf(rows), 0, { logits: 'all' });
              expect(seen).toEqual([...matrices.keys()]);
            },
            { cores, rows: decodeRows },
          );
        },
      );
    });
  });

  test('of tasks chained on one core shows them in the order of the rows', async () => {
    const config = { ...TINY, layerCount: 1, dim: 8, hiddenDim: 16, vocabSize: 16400 };
    const { model: path } = await randomModel(folder, 'chained', { config });
    const { matrix, bytes } = fileMatrices(path).get('classifier')!;
    await withModel(
      async model => {
        const wrong: unknown[] = [];
        const onProduct = (product: MatrixProduct): void => {
          if (product.matrix === 'classifier')
            wrong.push(wrongProduct(matrix, bytes, product.input, product.output));
        };
        await using session = model.createSession({ onProduct });
        await session.forwardBatch([1, 2, 3], 0, { logits: 'all' });
        expect(wrong).toEqual([undefined]);
      },
      { cores: 1, path },
    );
  });

  test('shows the outputs of padding: zeros, and what the device wrote there where it is wrong', async () => {
    await withModel(async model => {
      const products: MatrixProduct[] = [];
      await using session = model.createSession({ onProduct: product => products.push(kept(product)) });
      await session.forward(1, 0);
      const paddings = (): number[] =>
        products.flatMap(({ matrix, output }) =>
          paddingOutputs(matrices.get(matrix)!.matrix).map(n => output[n]!),
        );
      expect(paddings().length).toBeGreaterThan(8 * 2 * TINY.layerCount);
      expect(new Set(paddings())).toEqual(new Set([0]));
      // wo: 40 outputs of 48, the last group the third core's. Byte 60 is output 15 of it.
      inject('stuck-bit=60:0');
      products.length = 0;
      await session.forward(1, 0);
      const wo = products.find(({ matrix }) => matrix === 'layers.0.wo')!;
      expect(wo.output[47]).not.toBe(0);
    });
  });

  test('of a prompt in several passes is told the positions; of the last logits only, the last row', async () => {
    await withModel(async model => {
      const seen: string[] = [];
      await using session = model.createSession({
        onProduct: ({ matrix, firstPosition, rows, jobRows }) =>
          seen.push(`${matrix} ${firstPosition} ${rows} ${jobRows}`),
      });
      await session.forwardBatch(tokensOf(2), 0, { logits: 'last' });
      seen.length = 0;
      await session.forwardBatch(tokensOf(70), 2, { logits: 'last' });
      const layers = [...matrices.keys()].slice(0, -1);
      expect(seen).toEqual([
        ...layers.map(name => `${name} 2 64 64`),
        ...layers.map(name => `${name} 66 6 16`),
        'classifier 71 1 1',
      ]);
    });
  });

  test('gives the very logits of one that is not, and is shown nothing of others', async () => {
    await withModel(async model => {
      const wanted: number[][] = [];
      const got: number[][] = [];
      let told = 0;
      await using plain = model.createSession();
      await using watched = model.createSession({ onProduct: () => told++ });
      for (const [session, into] of [
        [plain, wanted],
        [watched, got],
      ] as const) {
        into.push(Array.from(await session.forwardBatch(tokensOf(20), 0, { logits: 'all' })));
        for (let position = 20; position < 24; position++) {
          into.push(Array.from(await session.forward(position, position)));
        }
        expect(told).toBe(session === plain ? 0 : 5 * matrices.size);
      }
      expect(got).toEqual(wanted);
    });
  });

  test('sees keys before RoPE turns them; keyValues has them turned, values as they came', async () => {
    await withModel(async model => {
      const size = headSize(TINY);
      const kv = kvDim(TINY);
      const outputs: Float32Array[] = [];
      await using session = model.createSession({
        onProduct: ({ matrix, output }) => {
          if (matrix === 'layers.1.wqkv') outputs.push(output.slice());
        },
      });
      for (const position of [0, 1, 2]) await session.forward(7 + position, position);
      const { keys, values } = session.keyValues;
      expect([keys.length, values.length]).toEqual([2 * TINY.seqLen * kv, 2 * TINY.seqLen * kv]);
      const { parts } = matrices.get('layers.1.wqkv')!.matrix;
      for (const [position, output] of outputs.entries()) {
        const at = (TINY.seqLen + position) * kv;
        const part = (i: number): number[] =>
          Array.from(output.subarray(parts[i]!.firstRow, parts[i]!.firstRow + kv));
        expect(Array.from(values.subarray(at, at + kv))).toEqual(part(2));
        const turned = part(1).map((value, i, key) => {
          const angle = position * 10000 ** ((-2 * Math.floor((i % size) / 2)) / size);
          const other = i % 2 === 0 ? -key[i + 1]! : key[i - 1]!;
          return value * Math.cos(angle) + other * Math.sin(angle);
        });
        turned.forEach((value, i) => {
          expect(keys[at + i]).toBeCloseTo(value, 5);
        });
      }
      expect(outputs).toHaveLength(3);
    });
  });

  test('shows keys and values as they are at any time, and computes with what is put there', async () => {
    await withModel(async model => {
      await using session = model.createSession();
      const { keys, values } = session.keyValues;
      await session.forward(5, 0);
      expect([keys.slice(0, 20), values.slice(0, 20)].map(row => row.every(value => value !== 0))).toEqual([
        true,
        true,
      ]);
      const wanted = Array.from(await session.forward(6, 1));
      values[0]! += 1;
      expect(Array.from(await session.forward(6, 1))).not.toEqual(wanted);
      await session.close();
      expect(() => session.keyValues).toThrow(new UsageError('the session was used after close'));
    });
  });

  test('whose listener throws ends with what it threw, and goes on from there', async () => {
    await withModel(async model => {
      await using straight = model.createSession();
      await straight.forward(5, 0);
      const wanted = Array.from(await straight.forward(6, 1));
      const reason = new Error('seen enough');
      let countdown = matrices.size + 6;
      await using session = model.createSession({
        onProduct: () => {
          if (--countdown === 0) throw reason;
        },
      });
      await session.forward(5, 0);
      expect(await rejectionOf(session.forward(6, 1))).toBe(reason);
      expect(session.length).toBe(1);
      expect(Array.from(await session.forward(6, 1))).toEqual(wanted);
    });
  });

  test('refuses to have the model run by its listener, and is not disturbed by the attempt', async () => {
    await withModel(async model => {
      await using other = model.createSession();
      const wanted = Array.from(await other.forward(5, 0));
      const attempts: Promise<Error>[] = [];
      await using session = model.createSession({
        onProduct: ({ input, rows }) => {
          attempts.push(rejectionOf(model.createSession().forward(8, 0)));
          attempts.push(rejectionOf(model.multiply('layers.0.wqkv', input.slice(0, TINY.dim), rows)));
        },
      });
      expect(Array.from(await session.forward(5, 0))).toEqual(wanted);
      expect(attempts).toHaveLength(2 * matrices.size);
      for (const error of await Promise.all(attempts)) {
        expect(error).toBeInstanceOf(UsageError);
        expect(error.message).toMatch(/^the model is in the middle of a pass; /);
      }
      await other.forward(8, 1);
    });
  });

  test.each(['its device', 'its session and its model'] as const)(
    'whose listener closes %s ends with that: what was unmapped is not read',
    async what => {
      const device = await openDevice({ kind: 'sim' });
      const model = await loadModel(device, files.model);
      const closing: Promise<void>[] = [];
      const session = model.createSession({
        onProduct: () => {
          if (what === 'its device') closing.push(device.close());
          else closing.push(session.close(), model.close());
        },
      });
      expect(await rejectionOf(session.forward(5, 0))).toMatchObject({
        name: 'DeviceError',
        message: expect.stringMatching(/used after close$/),
      });
      await Promise.all(closing);
      expect(closing).not.toHaveLength(0);
      await device.close();
      expect(leftBehind()).toEqual(NOTHING);
    },
  );
});
