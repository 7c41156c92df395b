import { expect, test } from '@jest/globals';
import { errnoOf, lastRefusal, stats } from './support/device.js';
import { Job } from './support/jobs.js';
import { makeProblem } from './support/matrices.js';
import { FILLER, record, refuses, set, small, useDevice, word } from './support/refusals.js';

const ENABLE = 107;
const AMOUNTS = 105;
const BASE = 104;
const timesOut = { errno: 'ETIMEDOUT' };
const two = { problems: [small(), small()] };

refuses('an operation that no matmul has:', [
  ['a stride of 2', set(0x1014, 10), 'unmodelled', 'CNA CONV_CON3.CONV_X_STRIDE (0x1014) = 2, expected 1'],
  ['a bias stage', set(0x4040, 0x52), 'unmodelled', 'DPU BS_CFG.BYPASS (0x4040) = 0, expected 1'],
  ['a batch-norm stage', set(0x4060, 0x43), 'unmodelled', 'DPU BN_CFG.MUL_BYPASS (0x4060) = 0, expected 1'],
  [
    'an output scale',
    set(0x4084, 2),
    'unmodelled',
    'DPU OUT_CVT_SCALE.OUT_CVT_SCALE (0x4084) = 2, expected 1',
  ],
  ['no ping-pong', set(0x4004, 0), 'unmodelled', 'DPU S_POINTER.POINTER_PP_EN (0x4004) = 0, expected 1'],
  [
    'a width of 2',
    set(0x1020, (2 << 16) | 4),
    'unmodelled',
    'CNA DATA_SIZE0.DATAIN_WIDTH (0x1020) = 2, expected 1',
  ],
]);

refuses('a word that writes', [
  ['a register that does not exist', word(7, { register: 0x102a }), 'unknown-register', 'register 0x102a'],
  [
    'a register of the PPU',
    word(7, { register: 0x6004 }),
    'unknown-register',
    'register 0x6004 of unit 0x0201',
  ],
  ['through another unit', word(7, { unit: 0x1001 }), 'unit', 'CNA DATA_SIZE3 (0x102c) through unit 0x1001'],
]);

refuses('a program that misses', [
  [
    'a register',
    word(7, FILLER),
    'incomplete-program',
    'CNA DATA_SIZE3 (0x102c) is not written by the program and was not since power-on or reset',
  ],
  [
    'its enable word',
    word(ENABLE, FILLER),
    'never-enables',
    'the 108 words fetched enable blocks 0x00',
    timesOut,
  ],
  ['its trailer', record({ regcfgAmount: 100 }), 'never-enables', 'the 104 words fetched', timesOut],
  ['the DPU in its enable word', word(ENABLE, { value: 5 }), 'never-enables', 'enable blocks 0x05', timesOut],
  [
    'REGISTER_AMOUNTS',
    word(AMOUNTS, FILLER),
    'trailer',
    'no PC REGISTER_AMOUNTS (0x14) before its enable word',
  ],
  ['the 0x0041 word', word(106, FILLER), 'trailer', 'no 0x0041 word before its enable word'],
]);

refuses('a trailer with', [
  [
    'a block that no matmul has',
    word(ENABLE, { value: 0x6d }),
    'enable-mask',
    'enables blocks 0x6d, expected 0x0d',
  ],
  [
    'another enable mask than its record',
    record({ enableMask: 0x1d }),
    'enable-mask',
    '= 0x1d, expected 0xd',
  ],
  ['a value in the 0x0041 word', word(106, { value: 1 }), 'trailer', 'with register 0x0 and value 0x1'],
  ['another enable register', word(ENABLE, { register: 4 }), 'trailer', 'register 0x04, expected 0x08'],
  [
    'words after the enable word',
    job => {
      job.words[0]!.push({ unit: 0x0201, register: 0x1028, value: 1 });
      job.records[0]!.regcfgAmount = 105;
    },
    'trailer',
    'comes after the enable word',
  ],
]);

refuses('a task record with', [
  ['an interrupt that never comes', record({ intMask: 0xc00 }), 'interrupt-mask', 'int_mask', timesOut],
  ['2^32 - 1 words', record({ regcfgAmount: 0xffffffff }), 'program-length', 'regcfg_amount'],
]);

refuses('a chain', [
  [
    'without its link: an unchained second task',
    job =>
      Object.assign(job.words[0]!, { [BASE]: FILLER, [AMOUNTS]: { unit: 0x0101, register: 0x14, value: 0 } }),
    'unchained',
    'task 1: the program before ends the chain',
    two,
  ],
  [
    'that leads elsewhere',
    job => set(0x10, job.word(0, 0x10).value + 1024)(job),
    'unchained',
    'PC BASE_ADDRESS (0x10) of the program before',
    two,
  ],
  [
    'with another amount',
    set(0x14, 108),
    'chain-amount',
    'REGISTER_AMOUNTS (0x14) of the program before = 108',
    two,
  ],
  ['to nowhere after the last task', set(0x14, 53), 'chain-end', 'the last of 1 tasks leads on'],
]);

const used = useDevice();

test('a job that would never finish leaves its core waiting for ACTION reset', () => {
  const job = new Job(used.device, [[small()]]);
  job.records[0]!.intMask = 0;
  expect(errnoOf(() => job.submit())).toBe('ETIMEDOUT');
  job.records[0]!.intMask = 0x300;
  expect(errnoOf(() => job.submit())).toBe('ETIMEDOUT');
  expect(lastRefusal()).toContain('core-hung: core 0 waits for ACTION reset');
  used.device.action(6);
  job.submit();
  expect(job.worst()).toBeLessThanOrEqual(1);
  expect(stats().timeouts).toBeGreaterThan(0n);
  job.destroy();
});

/** What a core still has in a register, as the refusal of a program that does not write it says. */
function kept(register: number): string {
  const job = new Job(used.device, [[small()]]);
  const at = job.words[0]!.findIndex(each => each.register === register);
  job.words[0]![at] = FILLER;
  expect(errnoOf(() => job.submit())).toBe('EINVAL');
  job.destroy();
  return /incomplete-program: core 0, task 0: .* is not written by the program and (.*), expected/.exec(
    lastRefusal(),
  )![1]!;
}

const rows = (m: number) => (1 << 16) | m;
const keeps = (value: number) => `keeps 0x${value.toString(16)} from a task before`;

test('every register that a program leaves out makes it incomplete, whatever ran before', () => {
  const job = new Job(used.device, [[small()]]);
  job.submit();
  for (const [i, left] of job.words[0]!.slice(0, BASE).entries()) {
    job.words[0]![i] = FILLER;
    expect(errnoOf(() => job.submit())).toBe('EINVAL');
    const register = left.register.toString(16).padStart(4, '0');
    expect(lastRefusal()).toMatch(
      new RegExp(
        `^incomplete-program: core 0, task 0: \\w+ \\w+ \\(0x${register}\\) is not written by the program`,
      ),
    );
    job.words[0]![i] = left;
  }
  job.submit();
  expect(job.worst()).toBeLessThanOrEqual(1);
  job.destroy();
});

test('the second program of a chain must be complete, too: what the first wrote does not count', () => {
  const job = new Job(used.device, [[small(), small()]]);
  job.words[1]![6] = FILLER;
  expect(errnoOf(() => job.submit())).toBe('EINVAL');
  expect(lastRefusal()).toBe(
    'incomplete-program: core 0, task 1: CNA DATA_SIZE2 (0x1028) is not written by the program and keeps 0x1 from a task before, expected every register to be',
  );
  expect([job.isUntouched(0), job.isUntouched(1)]).toEqual([true, true]);
  job.destroy();
});

test('with DPU_RDMA enabled its registers belong to the program', () => {
  const job = new Job(used.device, [[small()]]);
  job.words[0]!.at(-1)!.value = 0x1d;
  job.records[0]!.enableMask = 0x1d;
  expect(errnoOf(() => job.submit())).toBe('EINVAL');
  expect(lastRefusal()).toContain(
    'incomplete-program: core 0, task 0: DPU_RDMA S_POINTER (0x5004) is not written',
  );
  job.destroy();
});

test('registers keep their values from the job before, until a reset', () => {
  expect(kept(0x1020)).toBe('was not since power-on or reset');
  const job = new Job(used.device, [[makeProblem('fp32', 8, 64, 32)]]);
  job.submit();
  expect(kept(0x1020)).toBe(keeps(rows(8)));
  used.device.action(6);
  expect(kept(0x1020)).toBe('was not since power-on or reset');
  job.destroy();
});

test('a refused job leaves the registers of every core as they were', () => {
  const before = new Job(used.device, [[makeProblem('fp32', 8, 64, 32)]]);
  before.submit();
  const refused = new Job(used.device, [[small()], [small()]]);
  refused.word(1, 0x4020).value = 0;
  expect(errnoOf(() => refused.submit())).toBe('EINVAL');
  expect(lastRefusal()).toContain('dma-unmapped: core 1, task 1');
  expect(kept(0x1020)).toBe(keeps(rows(8)));
  refused.word(1, 0x4020).value = refused.word(0, 0x4020).value;
  expect(errnoOf(() => refused.submit())).toBe('EINVAL');
  expect(lastRefusal()).toContain('dma-overlap: core 1, task 1');
  expect(kept(0x1020)).toBe(keeps(rows(8)));
  for (const job of [before, refused]) job.destroy();
});
