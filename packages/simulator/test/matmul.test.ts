import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { configure, Device, stats, tryConfigure } from './support/device.js';
import { Job } from './support/jobs.js';
import { makeProblem, type Problem } from './support/matrices.js';

const ENGINES = ['portable', 'avx2', 'avx512', 'neon'].filter(name => tryConfigure(`log=0,engine=${name}`));
const SHAPES: [m: number, k: number, n: number][] = [
  [1, 32, 32],
  [1, 64, 64],
  [1, 96, 160],
  [1, 768, 288],
  [1, 4096, 64],
  [4, 32, 32],
  [4, 192, 64],
  [4, 1376, 96],
  [8, 160, 96],
  [12, 96, 64],
  [20, 64, 32],
  [64, 160, 96],
  [68, 288, 64],
  [88, 64, 32],
  [128, 96, 64],
];

let device: Device;
beforeEach(() => {
  configure('');
  device = new Device();
});
afterEach(() => device.close());

function run(perCore: Problem[][], mask?: number): number {
  const job = new Job(device, perCore, mask);
  job.submit();
  const worst = job.worst();
  job.destroy();
  return worst;
}

describe.each(ENGINES)('the %s engine', engine => {
  beforeEach(() => configure(`engine=${engine}`));

  for (const kind of ['fp32', 'fp16', 'int8'] as const)
    test.each(SHAPES)(`multiplies ${kind} M=%i K=%i N=%i as doubles do`, (m, k, n) => {
      expect(run([[makeProblem(kind, m, k, n)]])).toBeLessThanOrEqual(1);
    });

  test('takes the largest K and the largest N', () => {
    expect(run([[makeProblem('fp32', 1, 16384, 16)]])).toBeLessThanOrEqual(1);
    expect(run([[makeProblem('fp32', 1, 32, 8192)]])).toBeLessThanOrEqual(1);
  });

  test('takes the most rows that the CBUF holds', () => {
    expect(run([[makeProblem('fp16', 1020, 160, 16)]])).toBeLessThanOrEqual(1);
  });

  // The widest K that 11 banks hold; test/fuzz/widest.c has every M, under the address sanitizer.
  test.each([
    ['fp32', 12, 15008, 16],
    ['fp32', 20, 8992, 16],
    ['fp32', 68, 2624, 16],
    ['int8', 24, 15008, 32],
  ] as const)('takes the widest features that the CBUF holds: %s M=%i K=%i', (kind, m, k, n) => {
    expect(run([[makeProblem(kind, m, k, n)]])).toBeLessThanOrEqual(1);
  });

  test.each([1, 4, 20])('gives the same bits with 1, 2 and 3 threads at M=%i', m => {
    const problems = [256, 240, 224].map((n, i) => [makeProblem('fp32', m, 512, n, i + 1)]);
    const results = [1, 2, 3].map(threads => {
      configure(`engine=${engine},threads=${threads}`);
      const job = new Job(device, problems);
      job.submit();
      const bits = [0, 1, 2].map(task => [...job.result(task)]);
      job.destroy();
      return bits;
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test.each([1, 4])('widens every kind of half, as feature and as weight: M=%i', m => {
    const [one, infinity, nan, least, largest] = [0x3c00, 0x7c00, 0x7e01, 0x0001, 0xfbff];
    const first = (feature: number, weight: number) => {
      const features = new Uint16Array(m * 32);
      const weights = new Uint16Array(16 * 32);
      features[0] = feature;
      weights[0] = weight;
      const [a, b] = [new Uint8Array(features.buffer), new Uint8Array(weights.buffer)];
      const job = new Job(device, [[{ ...makeProblem('fp32', m, 32, 16), features: a, weights: b }]]);
      job.submit();
      const value = job.result(0)[0]!;
      job.destroy();
      return value;
    };
    const kinds = [infinity, nan, least, largest] as const;
    const values = [Number.POSITIVE_INFINITY, Number.NaN, 2 ** -24, -65504];
    expect(kinds.map(half => first(half, one))).toEqual(values);
    expect(kinds.map(half => first(one, half))).toEqual(values);
    expect(first(least, least)).toBe(2 ** -48);
  });
});

test('rounds fp16 output to nearest even, overflows to infinity and keeps subnormals', () => {
  const sum = (features: number[], weights: number[]) => {
    const problem = makeProblem('fp16', 1, 32, 16);
    const a = new Uint16Array(32);
    const b = new Uint16Array(16 * 32);
    a.set(features);
    b.set(weights);
    const job = new Job(device, [
      [{ ...problem, features: new Uint8Array(a.buffer), weights: new Uint8Array(b.buffer) }],
    ]);
    job.submit();
    const value = job.result(0)[0]!;
    job.destroy();
    return value;
  };
  const [one, two, max, tiny, half] = [0x3c00, 0x4000, 0x7bff, 0x0001, 0x3800];
  // 2048 + 1 lies between 2048 and 2050: the even one is 2048; 2050 + 1 goes to 2052.
  expect(sum([0x6800, one], [one, one])).toBe(2048);
  expect(sum([0x6801, one], [one, one])).toBe(2052);
  expect(sum([max], [two])).toBe(Number.POSITIVE_INFINITY);
  expect(sum([tiny], [one])).toBe(2 ** -24);
  expect(sum([tiny], [half])).toBe(0);
  expect(sum([0x0003], [half])).toBe(2 ** -23);
});

describe('cores and chains', () => {
  const shapes = (core: number) => [
    makeProblem('fp32', 4, 64, 32, core),
    makeProblem('fp16', 4, 96, 48, core),
    makeProblem('fp32', 8, 32, 16, core),
  ];

  test.each([
    ['core 0', 1, 1],
    ['core 1', 2, 1],
    ['core 2', 4, 1],
    ['cores 0 and 1', 3, 2],
    ['all three', 7, 3],
  ])('%s run chains of three tasks each', (_, mask, count) => {
    const perCore = Array.from({ length: count }, (_, core) => shapes(core + 1));
    expect(run(perCore, mask)).toBeLessThanOrEqual(1);
    expect(stats().tasks).toBeGreaterThan(0n);
  });

  test('core_mask 0 lets the driver choose core 0 and writes the choice back', () => {
    const job = new Job(device, [[makeProblem('fp32', 1, 64, 64)]]);
    const { coreMask, taskCounter, elapsed } = job.submit({ coreMask: 0 });
    expect({ coreMask, taskCounter }).toEqual({ coreMask: 1, taskCounter: 1 });
    expect(elapsed).toBeGreaterThan(0n);
    expect(job.worst()).toBeLessThanOrEqual(1);
    job.destroy();
  });

  test('a task may read what the task before it in the chain wrote', () => {
    const first = makeProblem('fp16', 4, 32, 32, 5);
    const second = makeProblem('fp32', 4, 32, 16, 6);
    const job = new Job(device, [[first, second]]);
    job.word(1, 0x1070).value = job.word(0, 0x4020).value;
    job.submit();
    const middle = job.result(0);
    const got = job.result(1);
    const weights = new Uint16Array(second.weights.slice().buffer);
    const ones = Float64Array.from(
      weights,
      h => (h & 0x8000 ? -1 : 1) * 2 ** (((h >> 10) & 31) - 15) * (1 + (h & 1023) / 1024),
    );
    for (let row = 0; row < 4; row++)
      for (let n = 0; n < 16; n++) {
        let sum = 0;
        for (let k = 0; k < 32; k++) sum += middle[row * 32 + k]! * ones[n * 32 + k]!;
        expect(Math.abs(got[row * 16 + n]! - sum)).toBeLessThan(1e-3);
      }
    job.destroy();
  });

  test('integer tasks chained in one kick accumulate onto each other', () => {
    const problems = [makeProblem('int8', 4, 64, 32, 1), makeProblem('int8', 4, 96, 64, 2)];
    const job = new Job(device, [problems]);
    job.submit();
    expect(job.result(0)).toEqual(problems[0]!.expected);
    const sums = problems[1]!.expected.map(
      (v, i) => v + (i % 64 < 32 ? problems[0]!.expected[Math.floor(i / 64) * 32 + (i % 64)]! : 0),
    );
    expect(job.result(1)).toEqual(sums);
    job.destroy();
  });

  test('the last task record gets its interrupt status', () => {
    const job = new Job(device, [[makeProblem('fp32', 1, 32, 16), makeProblem('fp32', 1, 32, 16)]]);
    job.submit();
    const records = new DataView(job.tasks.bytes.buffer, job.tasks.bytes.byteOffset);
    expect([records.getUint32(20, true), records.getUint32(60, true)]).toEqual([0, 0x300]);
    job.destroy();
  });
});

describe('what a program means', () => {
  test('a program may use the odd word count: 107 words are fetched as 108', () => {
    const job = new Job(device, [[makeProblem('fp32', 1, 32, 16)]]);
    job.words[0]!.splice(104, 1);
    job.records[0]!.regcfgAmount = 103;
    job.submit();
    expect(job.worst()).toBeLessThanOrEqual(1);
    job.destroy();
  });

  test('a larger DST_SURF_STRIDE spreads the result out, and what lies between keeps its old bytes', () => {
    const problem = makeProblem('fp32', 4, 32, 16);
    const job = new Job(device, [[problem]]);
    const rows = 6;
    job.word(0, 0x4024).value = rows << 4;
    job.word(0, 0x40c0).value = (rows * 4) << 4;
    const result = job.results[0]!;
    result.bytes.fill(0xaa);
    result.sync(1);
    job.submit();
    result.sync(2);
    const view = new DataView(result.bytes.buffer, result.bytes.byteOffset);
    for (let n = 0; n < 16; n++)
      for (let row = 0; row < rows; row++) {
        const at = Math.floor(n / 4) * rows * 16 + row * 16 + (n % 4) * 4;
        if (row < 4) expect(view.getFloat32(at, true)).toBeCloseTo(problem.expected[row * 16 + n]!, 3);
        else if (n < 12) expect(view.getUint32(at, true)).toBe(0xaaaaaaaa);
      }
    job.destroy();
  });

  test('DMA_CON2 says how far feature surfaces are apart', () => {
    const problem = makeProblem('fp32', 4, 32, 16);
    const job = new Job(device, [[problem]]);
    const spread = new Uint8Array(4 * 6 * 16);
    for (let surface = 0; surface < 4; surface++)
      spread.set(problem.features.subarray(surface * 64, surface * 64 + 64), surface * 96);
    job.features[0]!.write(spread);
    job.word(0, 0x1080).value = 2;
    job.submit();
    expect(job.worst()).toBeLessThanOrEqual(1);
    job.destroy();
  });

  test('runs the DPU_RDMA form of a program, enabled with 0x1D', () => {
    const job = new Job(device, [[makeProblem('fp32', 4, 64, 32)]]);
    const words = job.words[0]!;
    words.splice(1, 0, { unit: 0x2001, register: 0x5004, value: 0xe });
    words.splice(
      words.length - 4,
      0,
      { unit: 0x2001, register: 0x5034, value: 1 },
      { unit: 0x2001, register: 0x5044, value: 1 << 4 },
    );
    words.at(-1)!.value = 0x1d;
    job.records[0] = { ...job.records[0]!, enableMask: 0x1d, regcfgAmount: 107 };
    job.submit();
    expect(job.worst()).toBeLessThanOrEqual(1);
    job.destroy();
  });
});
