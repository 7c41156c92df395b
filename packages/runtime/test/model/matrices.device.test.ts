import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { UsageError } from '@npu-llama/format';
import { openDevice } from '../../src/device/index.js';
import { DeviceError, NumericError } from '../../src/errors.js';
import { loadModel, type NpuModel } from '../../src/model/index.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { type FileMatrix, fileMatrices } from '../support/file-matrices.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { wrongProduct } from '../support/plain-product.js';
import { randomFloats } from '../support/random.js';
import { inject, leftBehind, NOTHING, simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const DEVICES = [1, 2, 3].flatMap(cores => ([1, 4] as const).map(rows => [cores, rows] as const));

describeDevice("a model's matrices", () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  const large = {} as ModelFiles;
  let inFile: Map<string, FileMatrix>;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
    const config = { ...TINY, layerCount: 1, dim: 8, hiddenDim: 16, vocabSize: 16400 };
    Object.assign(large, await randomModel(folder, 'large', { config }));
    inFile = fileMatrices(files.model);
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  async function withModel(body: (model: NpuModel) => Promise<void>): Promise<void> {
    {
      await using device = await openDevice({ kind: 'sim' });
      await using model = await loadModel(device, files.model);
      await body(model);
    }
    expect(leftBehind()).toEqual(NOTHING);
  }

  describe.each(DEVICES)('on %i core(s), decoding with %i row(s)', (cores, rows) => {
    test.each([
      ['small', files],
      ['with chained tasks', large],
    ])('%s, are placed so that every 16-row group is computed once', async (_, { model: path }) => {
      await using device = await openDevice({ kind: 'sim', cores, rows });
      await using model = await loadModel(device, path);
      const matrices = fileMatrices(path);
      expect(model.matrices.map(({ name }) => name)).toEqual([...matrices.keys()]);
      for (const placed of model.matrices) {
        const { matrix } = matrices.get(placed.name)!;
        const { columns, paddedColumns, paddedRows } = matrix;
        expect(placed).toMatchObject({ columns, paddedColumns, paddedRows });
        expect(placed.variants.map(variant => variant.rows)).toEqual(
          rows === 1 ? [1, 4, 16, 64] : [4, 16, 64],
        );
        for (const { tasks } of placed.variants) {
          const groups = tasks.flatMap(task => {
            expect([task.firstRow % 16, task.rows % 16]).toEqual([0, 0]);
            return Array.from({ length: task.rows / 16 }, (__, i) => task.firstRow / 16 + i);
          });
          expect(groups).toEqual(Array.from({ length: paddedRows / 16 }, (__, i) => i));
          const links = new Map<number, number>();
          for (const { core, link } of tasks) {
            expect([core < cores, link]).toEqual([true, links.get(core) ?? 0]);
            links.set(core, link + 1);
          }
        }
      }
      const longest = Math.max(
        ...model.matrices.at(-1)!.variants.flatMap(({ tasks }) => tasks.map(task => task.link)),
      );
      // 16400 outputs: 3 tasks of 8192 on one core, 2 on each of two, 1 on each of three.
      expect(longest).toBe(path === large.model ? [2, 1, 0][cores - 1] : 0);
    });
  });

  test('each stand in a DMA buffer of their own, apart from the others', async () => {
    await withModel(async model => {
      const buffers = model.matrices.map(({ buffer }) => buffer).sort((a, b) => a.dmaAddress - b.dmaAddress);
      for (const [i, { dmaAddress, bytes }] of buffers.entries()) {
        expect(dmaAddress + bytes).toBeLessThanOrEqual(buffers[i + 1]?.dmaAddress ?? 2 ** 32);
      }
      for (const { name, buffer, paddedColumns, paddedRows } of model.matrices) {
        expect(buffer).toMatchObject({ label: `weights of ${name}`, bytes: paddedColumns * paddedRows * 2 });
      }
    });
  });

  test('say who computed a wrong output: a dead part of the result is a task of the core that wrote zeros', async () => {
    await withModel(async model => {
      inject('zero-core=1');
      for (const { name, columns, paddedRows, variants } of model.matrices) {
        const output = await model.multiply(name, randomFloats(columns, 5), 1);
        const zeros = Array.from({ length: paddedRows / 16 }, (_, group) => group).filter(group =>
          output.subarray(group * 16, group * 16 + 16).every(value => value === 0),
        );
        const ofCore = variants[0]!.tasks.filter(({ core }) => core === 1);
        expect([name, zeros]).toEqual([
          name,
          ofCore.flatMap(task => Array.from({ length: task.rows / 16 }, (_, i) => task.firstRow / 16 + i)),
        ]);
      }
    });
  });

  test.each([1, 2, 4, 5, 16, 17, 64])('multiply %i row(s) as weights and inputs say', async rows => {
    await withModel(async model => {
      for (const [name, { matrix, bytes }] of inFile) {
        const input = randomFloats(rows * matrix.columns, rows);
        const output = await model.multiply(name, input, rows);
        expect([name, wrongProduct(matrix, bytes, input, output)]).toEqual([name, undefined]);
      }
    });
  });

  test('multiply by the smallest job that takes the rows', async () => {
    await withModel(async model => {
      const paddedColumns = inFile.get('layers.0.w2')!.matrix.paddedColumns;
      const jobRows: number[] = [];
      for (const rows of [1, 2, 4, 5, 16, 17, 64]) {
        const before = model.counters;
        await model.multiply('layers.0.w2', randomFloats(rows * TINY.hiddenDim, 1), rows);
        const { submits, bytesToDevice } = model.counters;
        expect(submits - before.submits).toBe(1);
        jobRows.push((bytesToDevice - before.bytesToDevice) / (2 * paddedColumns));
      }
      expect(jobRows).toEqual([1, 4, 4, 16, 16, 64, 64]);
    });
  });

  test('multiplied between the passes of sessions leave them as they were', async () => {
    await withModel(async model => {
      const tokens = Array.from({ length: 70 }, (_, i) => (i * 53 + 1) % TINY.vocabSize);
      const run = async (inBetween: () => Promise<unknown>): Promise<number[][]> => {
        await using session = model.createSession();
        // Two passes, and what is started now runs after the first of them has begun.
        const prompt = session.forwardBatch(tokens, 0, { logits: 'all' });
        await inBetween();
        const logits = [Array.from(await prompt)];
        for (let position = 70; position < 74; position++) {
          await inBetween();
          logits.push(Array.from(await session.forward(position, position)));
        }
        return logits;
      };
      const alone = await run(async () => {});
      let products = 0;
      const disturbed = await run(async () => {
        for (const { name, columns } of model.matrices) {
          await model.multiply(name, randomFloats(64 * columns, 3), 64);
          products++;
        }
      });
      expect(products).toBe(5 * inFile.size);
      expect(disturbed).toEqual(alone);
    });
  });

  test("read back are the file's bytes, in a copy", async () => {
    await withModel(async model => {
      for (const [name, { bytes }] of inFile) {
        const read = model.readWeights(name);
        expect([name, Buffer.compare(read, bytes)]).toEqual([name, 0]);
        read.fill(0);
        expect([name, Buffer.compare(model.readWeights(name), bytes)]).toEqual([name, 0]);
      }
    });
  });

  test.each([0, -1, 1.5, 65, Number.NaN])('refuse %p rows', async rows => {
    await withModel(async model => {
      const error = await rejectionOf(model.multiply('classifier', new Float32Array(TINY.dim), rows));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toBe(`classifier: impossible number of rows: got ${rows}, wanted 1 to 64`);
      expect(model.counters.submits).toBe(0);
    });
  });

  test('refuse activations of another size, an input beyond FP16, and names that are none', async () => {
    await withModel(async model => {
      expect(await rejectionOf(model.multiply('layers.1.w2', new Float32Array(71), 1))).toMatchObject({
        name: 'UsageError',
        message: 'layers.1.w2: activations of another size: got 71, wanted 1 x 72',
      });
      const huge = await rejectionOf(model.multiply('layers.1.w2', new Float32Array(72).fill(65520), 1));
      expect(huge).toBeInstanceOf(NumericError);
      const unknown =
        'no such matrix: got layers.2.wo, wanted layers.N.wqkv, layers.N.wo, layers.N.w13, layers.N.w2 with N from 0 to 1, or classifier';
      const multiplied = await rejectionOf(model.multiply('layers.2.wo', new Float32Array(40), 1));
      expect(multiplied).toBeInstanceOf(UsageError);
      expect(multiplied.message).toBe(unknown);
      expect(thrownBy(() => model.readWeights('layers.2.wo')).message).toBe(unknown);
    });
  });

  test('refuse to be used after the model or its device was closed', async () => {
    const device = await openDevice({ kind: 'sim' });
    const model = await loadModel(device, files.model);
    const other = await loadModel(device, files.model);
    await model.close();
    const uses = async (closed: NpuModel): Promise<Error[]> => [
      await rejectionOf(closed.multiply('classifier', new Float32Array(TINY.dim), 1)),
      thrownBy(() => closed.readWeights('classifier')),
    ];
    for (const error of await uses(model)) {
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toBe(`${files.model}: the model was used after close`);
    }
    await device.close();
    for (const error of await uses(other)) expect(error).toBeInstanceOf(DeviceError);
    await other.close();
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('multiplied by a job that times out say so; after a reset they are right again', async () => {
    await withModel(async model => {
      const input = randomFloats(TINY.dim, 9);
      const wanted = await model.multiply('layers.0.wo', input, 1);
      inject('submit@1=timeout');
      const error = await rejectionOf(model.multiply('layers.0.wo', input, 1));
      expect(error).toBeInstanceOf(DeviceError);
      expect(error).toMatchObject({ timedOut: true });
      const refused = await rejectionOf(model.multiply('layers.0.wo', input, 1));
      expect(refused).toMatchObject({ timedOut: false });
      await model.device.reset();
      expect(await model.multiply('layers.0.wo', input, 1)).toEqual(wanted);
    });
  });
});
