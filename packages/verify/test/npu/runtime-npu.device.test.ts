import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { describeDevice, writeRandomCheckpoint } from '@npu-llama/fixtures';
import { FileError, floatToHalf, halfToFloat, kvDim, NpuFile, UsageError } from '@npu-llama/format';
import {
  argumentOf,
  DelegatingKernel,
  type IoctlCall,
  KernelError,
  SUBMIT,
} from '@npu-llama/runtime/testing';
import type { MatrixRun, NpuUnderTest, OpenNpuOptions } from '../../src/npu/npu-under-test.js';
import { openRuntimeNpu, openRuntimeNpuWith } from '../../src/npu/runtime-npu.js';
import { isTimeOut } from '../../src/npu/time-out.js';
import type { PackedMatrix, ReferenceWeights } from '../../src/reference/index.js';
import { relativeError, TemporaryFolder, TINY, weightsOf } from '../support/models.js';

const half = (value: number): number => halfToFloat(floatToHalf(value));

/** Sums in FP32 against sums in doubles. */
const PRODUCT_ERROR = 1e-6;

/** The checkpoint's tensors that a fused matrix is made of. */
function partsOf(weights: ReferenceWeights, matrix: string): PackedMatrix[] {
  const [, layer, name] = /^layers\.(\d+)\.(\w+)$/.exec(matrix) ?? [];
  if (layer === undefined) return [weights.classifier];
  const { wq, wk, wv, wo, w1, w2, w3 } = weights.layers[Number(layer)]!;
  const parts: Record<string, PackedMatrix[]> = { wqkv: [wq, wk, wv], wo: [wo], w13: [w1, w3], w2: [w2] };
  return parts[name!]!;
}

/** One row of input times a fused matrix, straight from the checkpoint, with zeros for the padding to 16-row groups. */
function plainOutputs(parts: readonly PackedMatrix[], input: Float32Array): number[] {
  const inputs = Array.from(input, half);
  return parts.flatMap(part => {
    const { rows } = part;
    const weights = part.toRows();
    return Array.from({ length: Math.ceil(rows / 16) * 16 }, (_, row) =>
      row < rows
        ? inputs.reduce((sum, value, i) => sum + value * half(weights[row * inputs.length + i]!), 0)
        : 0,
    );
  });
}

/** Some seconds of them. */
const JOBS_WITHOUT_A_TURN = 10_000;

describeDevice('the NPU under test', () => {
  const folder = new TemporaryFolder();
  const source = folder.file('model.bin');
  const model = folder.file('model.npu');
  let weights: ReferenceWeights;
  beforeAll(async () => {
    writeRandomCheckpoint(source, { config: TINY, seed: 5 });
    await convertCheckpoint({ source, target: model });
    weights = await weightsOf(source);
  });
  afterAll(() => folder[Symbol.dispose]());

  async function withNpu(
    body: (npu: NpuUnderTest) => Promise<void>,
    options: Partial<OpenNpuOptions> = {},
    open = openRuntimeNpu,
  ): Promise<void> {
    const npu = await open({ model, device: 'sim', ...options });
    try {
      await body(npu);
    } finally {
      await npu.close();
    }
  }

  async function logitsOf(npu: NpuUnderTest, tokens: readonly number[]): Promise<Float32Array> {
    const session = npu.createSession();
    const logits = (await session.forward(tokens, 0)).slice();
    await session.close();
    return logits;
  }

  test.each([1, 2, 3])('on %i core(s) says what it is and where every row is computed', async cores => {
    await withNpu(
      async npu => {
        expect(npu.device).toMatchObject({ kind: 'sim', cores, decodeRows: 1, ffi: process.env['NPU_FFI'] });
        const names = [0, 1].flatMap(layer =>
          ['wqkv', 'wo', 'w13', 'w2'].map(name => `layers.${layer}.${name}`),
        );
        expect(npu.matrices.map(({ name }) => name)).toEqual([...names, 'classifier']);
        for (const { name, paddedRows, variants } of npu.matrices) {
          for (const { tasks } of variants) {
            const covered = tasks.flatMap(({ firstRow, rows }) =>
              Array.from({ length: rows }, (_, i) => firstRow + i),
            );
            expect([name, covered]).toEqual([name, Array.from({ length: paddedRows }, (_, i) => i)]);
            expect(Math.max(...tasks.map(({ core }) => core))).toBeLessThan(cores);
          }
        }
      },
      { cores },
    );
  });

  test('whose opening is aborted opens no device', async () => {
    const reason = new Error('enough');
    let asked = 0;
    const open = openRuntimeNpuWith({
      kernel: kernel => {
        asked++;
        return kernel;
      },
    });
    const opening = open({ model, device: 'sim', signal: AbortSignal.abort(reason) });
    await expect(opening).rejects.toBe(reason);
    expect(asked).toBe(0);
  });

  test('tells a watcher the products of its session, as the checkpoint has them', async () => {
    await withNpu(async npu => {
      const seen: string[] = [];
      const session = npu.watch((run: MatrixRun) => {
        seen.push(run.matrix);
        const parts = partsOf(weights, run.matrix);
        const columns = run.input.length / run.rows;
        const outputs = run.output.length / run.rows;
        for (let row = 0; row < run.rows; row++) {
          const wanted = plainOutputs(parts, run.input.subarray(row * columns, (row + 1) * columns));
          expect(wanted).toHaveLength(outputs);
          const got = run.output.subarray(row * outputs, (row + 1) * outputs);
          expect(relativeError(got, wanted)).toBeLessThan(PRODUCT_ERROR);
        }
      });
      const batch = (await session.forward([1, 20, 300], 0)).slice();
      const single = (await session.forward([40], 3)).slice();
      const names = npu.matrices.map(({ name }) => name);
      expect(seen).toEqual([...names, ...names]);
      expect([batch.length, single.length]).toEqual([3 * TINY.vocabSize, TINY.vocabSize]);
      expect(await logitsOf(npu, [1, 20, 300])).toEqual(batch);
      expect(seen).toHaveLength(2 * names.length);
      const { keys, values } = session.keyValues;
      const elements = TINY.layerCount * TINY.seqLen * kvDim(TINY);
      expect([keys.length, values.length]).toEqual([elements, elements]);
      // Four positions are in.
      expect(values.slice(0, 4 * kvDim(TINY)).every(value => value !== 0)).toBe(true);
      await session.close();
      expect(() => session.keyValues).toThrow(UsageError);
    });
  });

  test('multiplies, and reads weights back as the file has them', async () => {
    await withNpu(async npu => {
      using file = NpuFile.open(model);
      for (const { name, columns } of file.matrices) {
        const input = Float32Array.from({ length: 2 * columns }, (_, i) => Math.sin(i));
        const got = await npu.multiply(name, input, 2);
        const parts = partsOf(weights, name);
        const wanted = [0, columns].flatMap(at => plainOutputs(parts, input.subarray(at, at + columns)));
        expect(relativeError(got, wanted)).toBeLessThan(PRODUCT_ERROR);
        const bytes = new Uint8Array(file.tensor(name).bytes);
        file.readTensor(name, bytes);
        expect([name, Buffer.compare(npu.readWeights(name), bytes)]).toEqual([name, 0]);
      }
    });
  });

  test('a job that times out is told as that; after a reset the same position gives the same', async () => {
    let countdown = Number.POSITIVE_INFINITY;
    class TimingOut extends DelegatingKernel {
      override ioctl(fd: number, call: IoctlCall): void {
        if (argumentOf(call, SUBMIT) !== undefined && --countdown === 0) {
          throw new KernelError('RKNPU_SUBMIT', constants.errno.ETIMEDOUT);
        }
        super.ioctl(fd, call);
      }
    }
    const open = openRuntimeNpuWith({ kernel: kernel => new TimingOut(kernel) });
    await withNpu(
      async npu => {
        const wanted = await logitsOf(npu, [1, 2, 3]);
        const session = npu.createSession();
        countdown = 4;
        const error = await session.forward([1, 2, 3], 0).catch((reason: unknown) => reason);
        expect(isTimeOut(error)).toBe(true);
        const refused = await session.forward([1, 2, 3], 0).catch((reason: unknown) => reason);
        expect([refused instanceof Error, isTimeOut(refused)]).toEqual([true, false]);
        await npu.reset();
        expect(await session.forward([1, 2, 3], 0)).toEqual(wanted);
        await session.close();
      },
      {},
      open,
    );
  });

  test.each([undefined, null, 'timed out', { timedOut: true }, new Error('timed out')])(
    '%p is no time-out',
    error => {
      expect(isTimeOut(error)).toBe(false);
    },
  );

  test('a damaged file is refused, or loaded as it is when its checksums are not to count', async () => {
    const damaged = folder.file('damaged.npu');
    const bytes = readFileSync(model);
    let at = 0;
    {
      using file = NpuFile.open(model);
      at = file.tensor('layers.1.w2').offset;
      bytes[file.dataOffset + at + 1]! ^= 0x40;
    }
    writeFileSync(damaged, bytes);
    await expect(openRuntimeNpu({ model: damaged, device: 'sim' })).rejects.toBeInstanceOf(FileError);
    let right = new Uint8Array();
    await withNpu(async npu => {
      right = Uint8Array.from(npu.readWeights('layers.1.w2'));
    });
    await withNpu(
      async npu => {
        const differing = npu.readWeights('layers.1.w2').findIndex((byte, i) => byte !== right[i]);
        expect(differing).toBe(1);
      },
      { model: damaged, verifyChecksums: false },
    );
  });

  test('draws the same tokens from the same seed, the likeliest at temperature 0', async () => {
    await withNpu(async npu => {
      const logits = Float32Array.from({ length: 50 }, (_, i) => Math.sin(7 * i));
      const likeliest = logits.indexOf(Math.max(...logits));
      const draw = (temperature: number, seed: bigint | number): number[] => {
        const sampler = npu.createSampler({ temperature, topP: 0.9, seed });
        return Array.from({ length: 20 }, () => sampler(logits));
      };
      expect(draw(1, 3)).toEqual(draw(1, 3n));
      expect(draw(1, 3)).not.toEqual(draw(1, 4));
      expect(new Set(draw(0, 3))).toEqual(new Set([likeliest]));
      expect(() => draw(1, 0)).toThrow(UsageError);
    });
  });

  test('refuses impossible cores, and a model that is not there', async () => {
    await expect(openRuntimeNpu({ model, device: 'sim', cores: 4 })).rejects.toBeInstanceOf(UsageError);
    const missing = openRuntimeNpu({ model: folder.file('missing.npu'), device: 'sim' });
    await expect(missing).rejects.toBeInstanceOf(FileError);
  });

  test('lets signals through between jobs, however many follow each other', async () => {
    await withNpu(async npu => {
      const session = npu.createSession();
      const input = new Float32Array(TINY.dim);
      const jobs = {
        forward: () => session.forward([1], 0),
        multiply: () => npu.multiply('classifier', input, 1),
      };
      for (const [name, job] of Object.entries(jobs)) {
        let turn = false;
        setImmediate(() => {
          turn = true;
        });
        for (let done = 0; !turn && done < JOBS_WITHOUT_A_TURN; done++) await job();
        expect({ name, turn }).toEqual({ name, turn: true });
      }
      await session.close();
    });
  });
});
