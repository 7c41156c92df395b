import { beforeAll, describe, expect, test } from '@jest/globals';
import { floatToHalf, halfToFloat } from '@npu-llama/format';
import { type Audit, MatrixTally, type ModelWeights, sweep } from '../../src/diagnose/index.js';
import { FakeDevice, type FakeDeviceOptions, type JobFault } from './support/fake-device.js';
import { smallModel, summary } from './support/session.js';

let weights: ModelWeights;
beforeAll(async () => {
  weights = await smallModel();
});

/** A fault of one matrix's jobs. */
function only(name: string, fault: JobFault): FakeDeviceOptions {
  return { jobFault: ({ matrix }) => (matrix === name ? fault : undefined) };
}

async function sweepOf(
  options: FakeDeviceOptions,
  matrices?: readonly string[],
  damage = (_: FakeDevice) => {},
) {
  const device = new FakeDevice(weights, options);
  damage(device);
  return await sweep({ npu: device, weights, ...(matrices && { matrices }) });
}

describe('a sweep', () => {
  test('passes every matrix of a good device', async () => {
    const progress: (string | undefined)[] = [];
    const { diagnosis, matrices } = await sweep({
      npu: new FakeDevice(weights),
      weights,
      onProgress: (_done, _total, matrix) => progress.push(matrix),
    });
    expect(diagnosis).toEqual({ run: 0, findings: [], conclusions: [] });
    expect(matrices.map(({ verdict, wrongWeights }) => [verdict, wrongWeights])).toEqual(
      Array(15).fill(['pass', { memory: 0 }]),
    );
    expect(progress).toEqual([...weights.matrices.map(({ name }) => name), undefined]);
  });

  test('checks one matrix alone, by the name of a part too', async () => {
    const { matrices } = await sweepOf({}, ['layers.1.wk', 'layers.1.w2']);
    expect(matrices.map(({ name }) => name)).toEqual(
      ['wq', 'wk', 'wv', 'w2'].map(kind => `layers.1.${kind}`),
    );
  });

  test('says which matrices there are when it is asked for another', async () => {
    await expect(sweepOf({}, ['layers.2.wq'])).rejects.toThrow(
      'no such matrix: got layers.2.wq, wanted layers.N.wq, wk, wv, wo, w1, w2, w3, wqkv or w13 with N from 0 to 1, or classifier',
    );
  });

  const shifted: JobFault = {
    output: (_, { n, task, values }) => values[n - (n % 16) + ((n + 1) % 16) - task.firstRow]!,
  };
  test.each<[string, FakeDeviceOptions, string, string, RegExp]>([
    [
      'a core of zeros',
      only('layers.0.w13', { output: (v, { task }) => (task.core === 1 ? 0 : v) }),
      'layers.0.w13',
      'core 1; all 0',
      /never computed/,
    ],
    [
      'a core that writes nothing',
      only('layers.0.w13', { idleCores: [2] }),
      'layers.0.w13',
      'core 2; what stood there before the job',
      /missing sync from the device/,
    ],
    [
      'features that never arrive',
      only('layers.1.w2', { staleFeatures: true }),
      'layers.1.w2',
      'every output; made with the inputs of the job before',
      /missing sync to the device/,
    ],
    [
      'a stride of features too large',
      only('layers.1.wo', { featureStride: 1 }),
      'layers.1.wo',
      'every output; as if the surfaces of the input lay 1 row too far apart',
      /CNA DMA_CON/,
    ],
    [
      'a stride of features too small',
      only('layers.1.wo', { featureStride: -1 }),
      'layers.1.wo',
      'every output; as if the surfaces of the input lay 1 row too close together',
      /CNA DMA_CON/,
    ],
    [
      'a stride of results too large',
      only('layers.0.w13', { resultStride: 1 }),
      'layers.0.w13',
      'as if the surfaces of the result lay 1 row too far apart',
      /DST_SURF_STRIDE/,
    ],
    [
      'a stride of results too small',
      only('layers.0.w13', { resultStride: -1 }),
      'layers.0.w13',
      'as if the surfaces of the result lay 1 row too close together',
      /DST_SURF_STRIDE/,
    ],
    [
      'halves for floats',
      only('classifier', { fp16Results: true }),
      'classifier',
      'two FP16 numbers where one FP32 number should be',
      /output precision/,
    ],
    [
      'results rounded to FP16',
      only('layers.0.w2', { output: v => halfToFloat(floatToHalf(v)) }),
      'layers.0.w2',
      'right but rounded to FP16',
      /pass through FP16/,
    ],
    [
      'heights below 4 wrong',
      { jobFault: ({ jobRows }) => (jobRows < 4 ? shifted : undefined) },
      'layers.0.wo',
      "every output; only with M = 1 (of 1, 4, 16); the next channel's, around within 16",
      /--rows 4/,
    ],
    [
      'batches wrong',
      { jobFault: ({ jobRows }) => (jobRows > 1 ? { output: v => v * v } : undefined) },
      'layers.0.wo',
      'every output; only in batches: M = 4, 16, not 1',
      /surface strides/,
    ],
    [
      'one height wrong',
      { jobFault: ({ jobRows }) => (jobRows === 4 ? { output: v => v * v } : undefined) },
      'layers.0.wo',
      'every output; only with M = 4 (of 1, 4, 16)',
      /NPU_DUMP/,
    ],
    [
      'a row of a batch wrong',
      only('layers.0.w13', { output: (v, { row }) => (row === 2 ? v + 1 : v) }),
      'layers.0.w13',
      'row 2 of the job (of 0 to 15); each 1 too large',
      /OUT_CVT offset/,
    ],
    [
      'a factor',
      only('layers.0.wqkv', { output: v => v / 4 }),
      'layers.0.wqkv',
      'every output; 0.25 times too large',
      /scale and shift/,
    ],
    [
      'the wrong sign',
      only('layers.0.wqkv', { output: v => -v }),
      'layers.0.wqkv',
      'every output; of the wrong sign',
      /scale and shift/,
    ],
    [
      'a NaN',
      only('layers.0.wo', { output: (v, { n }) => (n === 5 ? Number.NaN : v) }),
      'layers.0.wo',
      'output 5 alone (core 0); NaN',
      /never written/,
    ],
    [
      'a group',
      only('classifier', { output: (v, { n }) => (n >> 4 === 3 ? v * v : v) }),
      'classifier',
      '16-row group 3 (rows 48 to 63) (core 1)',
      /weights check/,
    ],
    [
      'a lane',
      only('classifier', { output: (v, { n }) => (n % 16 === 3 ? v * v : v) }),
      'classifier',
      'channel 3 of each 16-row group',
      /one lane/,
    ],
    [
      'a surface away',
      only('classifier', { output: (v, { n, task, values }) => values[n + 4 - task.firstRow] ?? v }),
      'classifier',
      "the next surface's (4 channels on)",
      /result address/,
    ],
    [
      'a bit stuck',
      only('layers.1.w13', { output: (v, { n }) => (n % 64 === 9 ? withBit(v, 22) : v) }),
      'layers.1.w13',
      'bit 22 of the float set',
      /test the memory/,
    ],
    [
      'a tile of columns that takes no part',
      only('layers.1.w2', { featureTail: 32 }),
      'layers.1.w2',
      'every output; without what columns 32 to 63 add',
      /K in the program/,
    ],
    [
      'a result added to the one before',
      only('layers.1.w13', { accumulate: true }),
      'layers.1.w13',
      'every output; added to what stood there before',
      /accumulators/,
    ],
  ])('says of %s what it is and what to do', async (_, options, place, common, conclusion) => {
    const { findings, diagnosis } = await sweepOf(options, ['layers.0.wqkv', place]);
    const found = summary(findings).find(line => line.startsWith(`${place}: `));
    expect(found).toContain(common);
    expect(diagnosis.conclusions[0]).toMatch(conclusion);
  });

  test('tells a core that is wrong in every matrix from one task that is', async () => {
    const bad: JobFault = { output: (v, { task }) => (task.core === 1 ? v * v : v) };
    const all = await sweepOf({ jobFault: () => bad });
    expect(all.diagnosis.conclusions[0]).toBe(
      'layers.0.wqkv, layers.0.wo, layers.0.w13 and 6 more (core 1): one core is wrong; run with the other cores alone (--cores); check its power domain and clock',
    );
    const one = await sweepOf(only('layers.1.w13', bad));
    expect(one.diagnosis.conclusions[0]).toMatch(/^layers\.1\.w13 \(core 1\): .* right elsewhere/);
  });

  test('names the link of a chain', async () => {
    const bad: JobFault = { output: (v, { task }) => (task.link === 1 ? v * v : v) };
    const { findings } = await sweepOf({ ...only('layers.0.w13', bad), links: 2 });
    expect(summary(findings)).toEqual(["layers.0.w13: task 1 of every core's chain"]);
  });

  test('sees what is not wrong each time', async () => {
    const { findings, diagnosis } = await sweepOf(
      { jobFault: ({ count }) => (count === 1 ? { output: v => v * v } : undefined) },
      ['layers.0.wo'],
    );
    expect(summary(findings)[0]).toMatch(/not each time: wrong in \d+ of \d+ runs of the same/);
    expect(diagnosis.conclusions.at(-1)).toMatch(/different results; lower the clock/);
  });

  test.each<[string, NonNullable<JobFault['sum']>, RegExp, RegExp]>([
    [
      'an accumulator that cuts off',
      (sum, weight, feature) => cutOff(sum + weight * feature),
      /nearly right, as sums that round in another way$/,
      /rounded otherwise than expected/,
    ],
    [
      'weights below 2^-14 taken for 0',
      (sum, weight, feature) => sum + (Math.abs(weight) < 2 ** -14 ? 0 : weight) * feature,
      /as if weights below 2\^-14 were 0$/,
      /subnormal numbers \(below 2\^-14\) for 0/,
    ],
  ])('knows another arithmetic, and calls nothing else of it: %s', async (_, sum, common, conclusion) => {
    const small = withSubnormals(weights);
    const device = new FakeDevice(small, { jobFault: () => ({ sum }) });
    const { findings, diagnosis } = await sweep({ npu: device, weights: small });
    expect(findings.length).toBeGreaterThan(0);
    for (const text of summary(findings)) expect(text).toMatch(common);
    expect(diagnosis.conclusions[0]).toMatch(conclusion);
  });

  test('does not blame weights that are right for a low bit of the results', async () => {
    const { findings } = await sweepOf(only('layers.0.wo', { output: v => withBit(Math.fround(v), 4) }), [
      'layers.0.wo',
    ]);
    expect(summary(findings)).toEqual([expect.stringMatching(/nearly right, as sums that round/)]);
  });

  test('takes the exponent bit that every result has set for a bit, not for a factor', async () => {
    const { findings } = await sweepOf(
      only('layers.0.wo', { output: (v, { n }) => (n % 16 === 0 ? withBit(Math.fround(v), 30) : v) }),
      ['layers.0.wo'],
    );
    expect(summary(findings)).toEqual([expect.stringMatching(/bit 30 of the float set/)]);
  });

  test('tells what it has found before the device fails', async () => {
    const device = new FakeDevice(weights, {
      jobFault: ({ matrix, count }) => {
        if (matrix === 'layers.1.w2' && count > 0) throw new Error('gone');
        return matrix === 'layers.0.wo' ? { output: v => 2 * v } : undefined;
      },
    });
    const found: Audit['findings'][number][] = [];
    const onFindings = (more: Audit['findings']) => found.push(...more);
    const tally = new MatrixTally();
    await expect(sweep({ npu: device, weights, tally, onFindings })).rejects.toThrow('gone');
    expect(summary(found)).toEqual([expect.stringMatching(/^layers\.0\.wo: .*2 times too large/)]);
    expect(tally.reports().find(({ name }) => name === 'layers.0.wo')).toMatchObject({ verdict: 'fail' });
  });

  test('finds the lowest bit of a weight that the device reads and its memory does not show', async () => {
    const device = new FakeDevice(weights);
    const tiles = device.tiles.get('layers.1.w2')!;
    const held = tiles.slice();
    tiles[777] = tiles[777]! ^ 1;
    const npu = {
      matrices: device.matrices,
      multiply: device.multiply.bind(device),
      readWeights: () => new Uint8Array(held.slice().buffer),
    };
    const { findings, diagnosis } = await sweep({ npu, weights, matrices: ['layers.1.w2'] });
    expect(summary(findings)[0]).toContain('row 8, column 41 (1 tile of 16 x 32); mantissa bit 0');
    expect(diagnosis.conclusions[0]).toMatch(/multiplies with other weights than the CPU sees/);
  });
});

/** Every fifth weight a subnormal half. */
function withSubnormals(weights: ModelWeights): ModelWeights {
  const tiles = (name: string) =>
    weights.tiles(name).map((half, i) => (half !== 0 && i % 5 === 0 ? 0x155 : half));
  return { ...weights, tiles };
}

/** Towards zero, to 22 bits. */
function cutOff(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 21);
  return value === 0 ? 0 : Math.trunc(value / unit) * unit;
}

function withBit(value: number, bit: number): number {
  const float = Float32Array.of(value);
  const bits = new Uint32Array(float.buffer);
  bits[0] = bits[0]! | (1 << bit);
  return float[0]!;
}
