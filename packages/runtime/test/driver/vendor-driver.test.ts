import { describe, expect, jest, test } from '@jest/globals';
import type { AllocateOptions } from '../../src/driver/driver.js';
import { VendorDriver } from '../../src/driver/vendor/vendor-driver.js';
import { DeviceError } from '../../src/errors.js';
import { thrownBy } from '../support/errors.js';
import { type Errno, FakeKernel, type IoctlAnswer, vendorAnswers } from '../support/fake-kernel.js';

const MIB = 2 ** 20;
const CMA = { totalBytes: 256 * MIB, freeBytes: 3 * MIB };
const WEIGHTS: AllocateOptions = {
  label: 'weights of layers.0.wqkv',
  bytes: 5 * MIB,
  cache: 'write-combine',
};
const RESULTS: AllocateOptions = { label: 'results', bytes: 4096, cache: 'cacheable' };
const TASKS: AllocateOptions = { label: 'task records', bytes: 400, cache: 'cacheable', kernelMapping: true };

function setUp(answers: Record<string, IoctlAnswer> = vendorAnswers()) {
  const kernel = new FakeKernel(answers);
  const driver = new VendorDriver({
    kernel,
    fd: 9,
    description: 'rknpu 0.9.8 at /dev/dri/card1',
    readCma: () => CMA,
  });
  return { kernel, driver };
}

const names = (kernel: FakeKernel): string[] => kernel.calls.map(call => call.name);

describe('allocate', () => {
  test.each<[string, AllocateOptions, boolean, number]>([
    ['cacheable', RESULTS, false, 2],
    ['write-combined', WEIGHTS, false, 4],
    ['kernel-mapped', TASKS, false, 2 | 8],
    ['cacheable behind an IOMMU', RESULTS, true, 1 | 2],
    ['kernel-mapped behind an IOMMU', TASKS, true, 1 | 2 | 8],
  ])('asks for %s memory by its flags', (_, options, iommu, flags) => {
    const { kernel, driver } = setUp(vendorAnswers({ iommu }));
    driver.allocate(options);
    expect(kernel.named('RKNPU_MEM_CREATE')).toMatchObject([
      { fd: 9, fields: { flags, size: BigInt(options.bytes) } },
    ]);
  });

  test('gives memory where the device sees it and where the CPU sees it', () => {
    const { kernel, driver } = setUp();
    const buffer = driver.allocate(WEIGHTS);
    expect(buffer).toMatchObject({ label: WEIGHTS.label, dmaAddress: 0x10000 });
    expect(buffer.bytes).toHaveLength(WEIGHTS.bytes);
    expect(driver.dmaBytesInUse).toBe(WEIGHTS.bytes);
    expect(names(kernel)).toEqual(['RKNPU_ACTION', 'RKNPU_MEM_CREATE', 'RKNPU_MEM_MAP', 'mmap']);
  });

  test.each<[step: string, Errno, cleanUp: string[]]>([
    ['RKNPU_MEM_CREATE', 'ENOMEM', []],
    ['RKNPU_MEM_CREATE', 'EFAULT', []],
    ['RKNPU_MEM_MAP', 'EINVAL', ['RKNPU_MEM_DESTROY']],
    ['RKNPU_MEM_MAP', 'EFAULT', ['RKNPU_MEM_DESTROY']],
    ['mmap', 'ENOMEM', ['RKNPU_MEM_DESTROY']],
    ['mmap', 'EFAULT', ['RKNPU_MEM_DESTROY']],
  ])('%s failing with %s frees what came before and tells all that helps', (step, errno, cleanUp) => {
    const { kernel, driver } = setUp();
    driver.allocate(RESULTS);
    kernel.fail(step, errno);
    const before = kernel.calls.length;
    const error = thrownBy(() => driver.allocate({ ...WEIGHTS, planBytes: 700 * MIB }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error).toMatchObject({ exitStatus: 3, cause: { errno } });
    const { message } = error;
    expect(message).toContain('refused 5.0 MiB (5242880 bytes) of DMA memory for weights of layers.0.wqkv');
    expect(message).toContain(`(${errno})`);
    expect(message).toContain('4096 bytes of 700.0 MiB in all in use by this process');
    expect(message).toContain('CMA has 3.0 MiB of 256.0 MiB free');
    expect(message).toContain('the 4 GiB window has at most 4096.0 MiB left');
    // More contiguous memory helps where there was not enough, and nowhere else.
    const short = errno === 'ENOMEM' || errno === 'EFAULT';
    expect(message).toContain(
      short ? 'boot with cma=1024M or more on the kernel command line' : 'see docs/board-setup.md',
    );
    expect(message).not.toContain('\n');
    expect(
      names(kernel)
        .slice(before)
        .slice(-1 - cleanUp.length),
    ).toEqual([step, ...cleanUp]);
    expect(driver.dmaBytesInUse).toBe(RESULTS.bytes);
  });

  test.each<[planBytes: number | undefined, cma: number]>([
    [undefined, 512],
    [219 * MIB, 512],
    [500 * MIB, 768],
    [3000 * MIB, 3840],
  ])(
    'of a plan of %p bytes that fails recommends cma=%iM: a quarter more, in steps of 256 MiB, at least 512',
    (planBytes, cma) => {
      const { kernel, driver } = setUp();
      kernel.fail('RKNPU_MEM_CREATE', 'ENOMEM');
      const options = planBytes === undefined ? WEIGHTS : { ...WEIGHTS, planBytes };
      expect(() => driver.allocate(options)).toThrow(`boot with cma=${cma}M or more`);
    },
  );

  test('behind an IOMMU a failure does not send its reader after CMA', () => {
    const { kernel, driver } = setUp(vendorAnswers({ iommu: true }));
    kernel.fail('RKNPU_MEM_CREATE', 'ENOMEM');
    const { message } = thrownBy(() => driver.allocate(WEIGHTS));
    expect(message).not.toMatch(/cma/i);
    expect(message).toContain('the 4 GiB window has at most 4096.0 MiB left');
  });

  test('a failure whose clean-up fails too is told for itself, not for the clean-up', () => {
    const { kernel, driver } = setUp();
    kernel.fail('mmap', 'ENOMEM').fail('RKNPU_MEM_DESTROY', 'EIO');
    const error = thrownBy(() => driver.allocate(WEIGHTS));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toContain('ENOMEM');
  });

  test.each<[string, bigint, string]>([
    ['above 4 GiB', 0x1_0000_0000n, '0x100000000'],
    ['that ends above 4 GiB', 0xffff_fff0n, '0xfffffff0'],
    ['that no number holds', 0xffff_ffff_ffff_f000n, '0xfffffffffffff000'],
    ['that is not aligned', 0x10008n, '0x10008'],
  ])(
    'an address %s is freed, asked for again with the flag of kernel 6.1, and then refused',
    (_, address, got) => {
      const { kernel, driver } = setUp({
        ...vendorAnswers(),
        RKNPU_MEM_CREATE: argument =>
          argument.set({ handle: 7, obj_addr: 0xffff_ff80_0000_0007n, dma_addr: address }),
      });
      const error = thrownBy(() => driver.allocate(RESULTS));
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toContain('results: the driver gave memory that the NPU cannot address');
      expect(error.message).toContain(`4096 bytes at ${got}, wanted below 4 GiB, at a multiple of 16`);
      expect(names(kernel).slice(1)).toEqual([
        'RKNPU_MEM_CREATE',
        'RKNPU_MEM_DESTROY',
        'RKNPU_MEM_CREATE',
        'RKNPU_MEM_DESTROY',
      ]);
      expect(kernel.named('RKNPU_MEM_CREATE').map(({ fields }) => fields!['flags'])).toEqual([2, 2 | 128]);
      expect(kernel.named('RKNPU_MEM_DESTROY').map(({ fields }) => fields)).toEqual(
        Array.from({ length: 2 }, () => ({ handle: 7, reserved: 0, obj_addr: 0xffff_ff80_0000_0007n })),
      );
      expect(driver.dmaBytesInUse).toBe(0);
    },
  );

  test('memory below 4 GiB that only the flag of kernel 6.1 gives is taken', () => {
    const { kernel, driver } = setUp({
      ...vendorAnswers(),
      RKNPU_MEM_CREATE: argument =>
        argument.set({ dma_addr: argument.get('flags') === 130 ? 0x20000n : 0x1_0000_0000n }),
    });
    expect(driver.allocate(RESULTS).dmaAddress).toBe(0x20000);
    expect(names(kernel).slice(1)).toEqual([
      'RKNPU_MEM_CREATE',
      'RKNPU_MEM_DESTROY',
      'RKNPU_MEM_CREATE',
      'RKNPU_MEM_MAP',
      'mmap',
    ]);
  });

  test('the last bytes below 4 GiB are good', () => {
    const { driver } = setUp(vendorAnswers({ firstAddress: 0xffff_f000n }));
    expect(driver.allocate(RESULTS).dmaAddress).toBe(0xffff_f000);
  });
});

describe('free', () => {
  test('unmaps, then destroys; a second time does nothing', () => {
    const { kernel, driver } = setUp();
    const buffer = driver.allocate(RESULTS);
    buffer.free();
    buffer.free();
    expect(names(kernel).slice(4)).toEqual(['munmap', 'RKNPU_MEM_DESTROY']);
    expect(driver.dmaBytesInUse).toBe(0);
  });

  test('makes the memory unreachable', () => {
    const { driver } = setUp();
    const buffer = driver.allocate(RESULTS);
    buffer.free();
    expect(() => buffer.bytes).toThrow('results: used after it was freed');
  });

  test.each(['munmap', 'RKNPU_MEM_DESTROY'])(
    'names the buffer when %s fails, and tries the other step all the same',
    step => {
      const { kernel, driver } = setUp();
      const buffer = driver.allocate(RESULTS);
      kernel.fail(step, 'EIO');
      const error = thrownBy(() => buffer.free());
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(
        /^cannot (free|unmap) results: .*\(EIO\); (the kernel frees it|it stays mapped) /,
      );
      expect(names(kernel).slice(4)).toEqual(['munmap', 'RKNPU_MEM_DESTROY']);
      expect(() => buffer.bytes).toThrow('used after it was freed');
    },
  );

  test('is done when the device has gone: its memory went with it', () => {
    const { kernel, driver } = setUp();
    const buffer = driver.allocate(RESULTS);
    kernel.fail('RKNPU_MEM_DESTROY', 'ENODEV');
    buffer.free();
    expect(driver.dmaBytesInUse).toBe(0);
  });
});

describe('a job', () => {
  const range = (firstTask: number, taskCount: number) => ({ firstTask, taskCount });
  const NONE = { start: 0, number: 0 };

  test.each([
    ['one core', [range(4, 2)], 0b1, 4, 2, [{ start: 4, number: 2 }, NONE, NONE, NONE, NONE]],
    [
      'two cores',
      [range(4, 2), range(6, 1)],
      0b11,
      4,
      3,
      [{ start: 4, number: 2 }, { start: 6, number: 1 }, NONE, NONE, NONE],
    ],
    // With three cores the kernel reads the entries from the third on.
    [
      'three cores',
      [range(0, 1), range(1, 1), range(2, 3)],
      0b111,
      0,
      5,
      [NONE, NONE, { start: 0, number: 1 }, { start: 1, number: 1 }, { start: 2, number: 3 }],
    ],
  ])('on %s says which core runs which tasks', (_, cores, mask, start, number, subcores) => {
    const { kernel, driver } = setUp();
    const taskBuffer = driver.allocate(TASKS);
    driver.prepareJob({ uses: [], label: 'layers.0.wo', taskBuffer, cores }).run();
    const entries = subcores.flatMap((entry, i) => [
      [`subcore_${i}_task_start`, entry.start],
      [`subcore_${i}_task_number`, entry.number],
    ]);
    expect(kernel.named('RKNPU_SUBMIT')).toEqual([
      {
        name: 'RKNPU_SUBMIT',
        fd: 9,
        fields: {
          flags: 5,
          timeout: 6000,
          task_start: start,
          task_number: number,
          task_counter: 0,
          priority: 0,
          task_obj_addr: 0xffff_ff80_0000_0001n,
          regcfg_obj_addr: 0n,
          task_base_addr: 0n,
          user_data: 0n,
          core_mask: mask,
          fence_fd: -1,
          ...Object.fromEntries(entries),
        },
      },
    ]);
  });

  test.each([1, 2])('on core %i alone names that core, and its own time', core => {
    const { kernel, driver } = setUp();
    const taskBuffer = driver.allocate(TASKS);
    const cores = [range(3, 2)];
    driver.prepareJob({ uses: [], label: 'job', taskBuffer, cores, firstCore: core, timeoutMs: 50 }).run();
    expect(kernel.named('RKNPU_SUBMIT')).toMatchObject([
      {
        fields: {
          timeout: 50,
          core_mask: 2 ** core,
          [`subcore_${core}_task_start`]: 3,
          [`subcore_${core}_task_number`]: 2,
        },
      },
    ]);
  });

  test.each([
    [1, 2],
    [2, 2],
    [1, 3],
    [3, 1],
  ])('from core %i on for %i cores is refused: no driver starts it', (firstCore, count) => {
    const { driver } = setUp();
    const taskBuffer = driver.allocate(TASKS);
    const cores = Array.from({ length: count }, (_, i) => range(i, 1));
    expect(() => driver.prepareJob({ uses: [], label: 'job', taskBuffer, cores, firstCore })).toThrow(
      /^job: impossible job/,
    );
  });

  test('run again starts from a zero counter, whatever the kernel left in it', () => {
    const { kernel, driver } = setUp({
      ...vendorAnswers(),
      RKNPU_SUBMIT: argument => argument.set({ task_counter: 2 }),
    });
    const job = driver.prepareJob({
      uses: [],
      label: 'job',
      taskBuffer: driver.allocate(TASKS),
      cores: [range(0, 2)],
    });
    job.run();
    job.run();
    expect(kernel.named('RKNPU_SUBMIT').map(({ fields }) => fields!['task_counter'])).toEqual([0, 0]);
  });

  test.each([
    ['no core', []],
    ['four cores', Array.from({ length: 4 }, () => range(0, 1))],
    ['no task', [range(0, 0)]],
    ['a core without a task', [range(0, 1), range(1, 0)]],
    ['more tasks than the kernel takes', [range(0, 4096)]],
  ])('of %s is refused when it is prepared', (_, cores) => {
    const { driver } = setUp();
    const taskBuffer = driver.allocate({ ...TASKS, bytes: 4096 * 40 });
    const error = thrownBy(() => driver.prepareJob({ uses: [], label: 'job', taskBuffer, cores }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^job: impossible job/);
  });

  test.each<[Errno, RegExp]>([
    [
      'ETIMEDOUT',
      /^RKNPU_SUBMIT timed out after 6000 ms: layers\.0\.wo, 1 of 3 tasks done; the device needs a reset$/,
    ],
    [
      'EINVAL',
      /^RKNPU_SUBMIT failed: invalid argument \(EINVAL\): layers\.0\.wo, 1 of 3 tasks done; reset the device: another program may have reset it meanwhile; or has it fewer cores than were asked for \(--cores\)\?$/,
    ],
    ['EIO', /^RKNPU_SUBMIT failed: .*\(EIO\): layers\.0\.wo, 1 of 3 tasks done; the device needs a reset$/],
    [
      'ENODEV',
      /^RKNPU_SUBMIT failed: .*\(ENODEV\): layers\.0\.wo, .*; the device is gone: reboot the board$/,
    ],
  ])('that fails with %s says what, where and what next', (errno, message) => {
    const { kernel, driver } = setUp();
    const job = driver.prepareJob({
      uses: [],
      label: 'layers.0.wo',
      taskBuffer: driver.allocate(TASKS),
      cores: [range(0, 3)],
    });
    const submit = kernel.ioctl.bind(kernel);
    kernel.ioctl = (fd, call) => {
      // The kernel counts the tasks done into the struct even of a job that fails.
      if (call.definition.name === 'RKNPU_SUBMIT')
        (call as never as { set(v: object): void }).set({ task_counter: 1 });
      submit(fd, call);
    };
    kernel.fail('RKNPU_SUBMIT', errno);
    const error = thrownBy(() => job.run());
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ cause: { errno }, timedOut: errno === 'ETIMEDOUT' });
  });

  test.each([
    [5999, false, /^RKNPU_SUBMIT failed: invalid argument \(EINVAL\): job, /],
    [6000, true, /^RKNPU_SUBMIT timed out after 6000 ms: job, 0 of 3 tasks done; the device needs a reset$/],
  ])('that fails with EINVAL after %i ms timed out: %s', (tookMs, timedOut, message) => {
    const { kernel, driver } = setUp();
    const taskBuffer = driver.allocate(TASKS);
    const job = driver.prepareJob({ uses: [], label: 'job', taskBuffer, cores: [range(0, 3)] });
    let now = 1000;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const submit = kernel.ioctl.bind(kernel);
    kernel.ioctl = (fd, call) => {
      now += tookMs;
      submit(fd, call);
    };
    kernel.fail('RKNPU_SUBMIT', 'EINVAL');
    const error = thrownBy(() => job.run());
    clock.mockRestore();
    expect(error).toMatchObject({ name: 'DeviceError', timedOut });
    expect(error.message).toMatch(message);
  });

  test('after one failed every other is refused without asking the kernel, until reset()', () => {
    const { kernel, driver } = setUp();
    const taskBuffer = driver.allocate(TASKS);
    const first = driver.prepareJob({ uses: [], label: 'first', taskBuffer, cores: [range(0, 1)] });
    const second = driver.prepareJob({ uses: [], label: 'second', taskBuffer, cores: [range(1, 1)] });
    kernel.fail('RKNPU_SUBMIT', 'ETIMEDOUT', 1);
    expect(() => first.run()).toThrow(/timed out/);
    expect(() => second.run()).toThrow('second: not submitted, since first failed; reset the device');
    expect(() => first.run()).toThrow('first: not submitted, since first failed');
    expect(kernel.named('RKNPU_SUBMIT')).toHaveLength(1);
    driver.reset();
    expect(kernel.named('RKNPU_ACTION').at(-1)).toMatchObject({ fields: { flags: 6 } });
    second.run();
    expect(kernel.named('RKNPU_SUBMIT')).toHaveLength(2);
  });

  test('that failed is settled with a reset before any memory goes back to the kernel, and once only', () => {
    const { kernel, driver } = setUp();
    const weights = driver.allocate(WEIGHTS);
    const job = driver.prepareJob({
      label: 'job',
      taskBuffer: driver.allocate(TASKS),
      cores: [range(0, 1)],
      uses: [weights],
    });
    kernel.fail('RKNPU_SUBMIT', 'ETIMEDOUT', 1);
    expect(() => job.run()).toThrow(/timed out/);
    const before = kernel.calls.length;
    driver.close();
    expect(names(kernel).slice(before)).toEqual([
      'RKNPU_ACTION',
      'munmap',
      'RKNPU_MEM_DESTROY',
      'munmap',
      'RKNPU_MEM_DESTROY',
      'close',
    ]);
    expect(kernel.named('RKNPU_ACTION').at(-1)).toMatchObject({ fields: { flags: 6 } });
  });

  test('is not run when a buffer that its programs use was freed: the NPU would write to memory of others', () => {
    const { kernel, driver } = setUp();
    const results = driver.allocate(RESULTS);
    const taskBuffer = driver.allocate(TASKS);
    const job = driver.prepareJob({ label: 'job', taskBuffer, cores: [range(0, 1)], uses: [results] });
    results.free();
    expect(() => job.run()).toThrow(`${RESULTS.label}: used after it was freed`);
    expect(kernel.named('RKNPU_SUBMIT')).toHaveLength(0);
  });

  test('a reset that fails leaves the device refusing', () => {
    const { kernel, driver } = setUp();
    const job = driver.prepareJob({
      uses: [],
      label: 'job',
      taskBuffer: driver.allocate(TASKS),
      cores: [range(0, 1)],
    });
    kernel.fail('RKNPU_SUBMIT', 'ETIMEDOUT', 1).fail('RKNPU_ACTION', 'EIO');
    expect(() => job.run()).toThrow(/timed out/);
    expect(thrownBy(() => driver.reset())).toMatchObject({
      message: expect.stringMatching(
        /^cannot reset the device: .*EIO.*; close the device and open it again; /,
      ),
    });
    expect(() => job.run()).toThrow(/not submitted/);
  });

  test("another driver's task buffer is refused", () => {
    const { driver } = setUp();
    const other = setUp().driver.allocate(TASKS);
    const foreign = Object.create(null, { label: { value: 'foreign' } });
    expect(() =>
      driver.prepareJob({ uses: [], label: 'job', taskBuffer: foreign, cores: [range(0, 1)] }),
    ).toThrow('foreign belongs to another driver');
    expect(() =>
      driver.prepareJob({ uses: [], label: 'job', taskBuffer: other, cores: [range(0, 1)] }),
    ).toThrow(/^task records: used .* with another device than its own/);
    expect(() => driver.prepareSync(other, 'from-device', 0, 1)).toThrow(
      /^task records: used .* with another device/,
    );
  });
});

describe('a sync', () => {
  test.each([
    ['to-device', 1],
    ['from-device', 2],
  ] as const)('%s says so, and names just its bytes', (direction, flags) => {
    const { kernel, driver } = setUp();
    const buffer = driver.allocate(RESULTS);
    driver.prepareSync(buffer, direction, 64, 128).run();
    expect(kernel.named('RKNPU_MEM_SYNC')).toEqual([
      {
        name: 'RKNPU_MEM_SYNC',
        fd: 9,
        fields: { flags, reserved: 0, obj_addr: 0xffff_ff80_0000_0001n, offset: 64n, size: 128n },
      },
    ]);
  });

  test.each([
    [0, 4096],
    [4095, 1],
  ])('of bytes %i, %i is within a buffer of 4096', (offset, bytes) => {
    const { driver } = setUp();
    driver.prepareSync(driver.allocate(RESULTS), 'from-device', offset, bytes).run();
  });

  test.each([
    [0, 4097],
    [4096, 1],
    [-1, 1],
    [0, 0],
    [0, -1],
    [1, 4096],
  ])('of bytes %i, %i is refused', (offset, bytes) => {
    const { driver } = setUp();
    const buffer = driver.allocate(RESULTS);
    expect(thrownBy(() => driver.prepareSync(buffer, 'from-device', offset, bytes))).toBeInstanceOf(
      DeviceError,
    );
  });

  test('that fails says of what', () => {
    const { kernel, driver } = setUp();
    const sync = driver.prepareSync(driver.allocate(RESULTS), 'from-device', 0, 64);
    kernel.fail('RKNPU_MEM_SYNC', 'EIO');
    const error = thrownBy(() => sync.run());
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(
      /^cannot sync 64 bytes of results from the device: .*\(EIO\); no reset is needed: run it again; /,
    );
  });
});

describe('close', () => {
  test('frees every buffer, then closes the file; a second time does nothing', () => {
    const { kernel, driver } = setUp();
    driver.allocate(RESULTS);
    driver.allocate(WEIGHTS);
    const before = kernel.calls.length;
    driver.close();
    driver.close();
    expect(names(kernel).slice(before)).toEqual([
      'munmap',
      'RKNPU_MEM_DESTROY',
      'munmap',
      'RKNPU_MEM_DESTROY',
      'close',
    ]);
    expect(driver.dmaBytesInUse).toBe(0);
  });

  test.each(['munmap', 'RKNPU_MEM_DESTROY'])(
    'frees the others and closes the file though one %s fails, and says so',
    step => {
      const { kernel, driver } = setUp();
      for (let i = 0; i < 3; i++) driver.allocate({ ...RESULTS, label: `buffer ${i}` });
      kernel.fail(step, 'EIO', 2);
      const error = thrownBy(() => driver.close());
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(/^cannot (free|unmap) buffer 1: /);
      expect([
        kernel.named('munmap').length,
        kernel.named('RKNPU_MEM_DESTROY').length,
        kernel.named('close').length,
      ]).toEqual([3, 3, 1]);
    },
  );

  test('that fails says so, and that there is nothing to do', () => {
    const { kernel, driver } = setUp();
    kernel.fail('close', 'EIO');
    expect(() => driver.close()).toThrow(/^cannot close the device: .*EIO.*; it is closed all the same, /);
    driver.close();
  });

  test.each([
    [['munmap', 'RKNPU_MEM_DESTROY'], /^cannot unmap results: .*; it stays mapped until this process ends, /],
    [
      ['RKNPU_MEM_DESTROY', 'close'],
      /^cannot free results: .*; the kernel frees it when the device is closed/,
    ],
  ])('of which %p fail tells the first, and does all of it', (steps, message) => {
    const { kernel, driver } = setUp();
    driver.allocate(RESULTS);
    for (const step of steps) kernel.fail(step, 'EIO');
    expect(() => driver.close()).toThrow(message);
    expect(names(kernel).slice(-3)).toEqual(['munmap', 'RKNPU_MEM_DESTROY', 'close']);
  });

  test('leaves nothing usable behind, and nothing that crashes', () => {
    const { driver } = setUp();
    const taskBuffer = driver.allocate(TASKS);
    const results = driver.allocate(RESULTS);
    const job = driver.prepareJob({
      uses: [],
      label: 'job',
      taskBuffer,
      cores: [{ firstTask: 0, taskCount: 1 }],
    });
    const sync = driver.prepareSync(results, 'from-device', 0, 64);
    driver.close();
    const uses: [string, () => unknown][] = [
      ['allocate', () => driver.allocate(RESULTS)],
      ['reset', () => driver.reset()],
      ['job', () => job.run()],
      ['sync', () => sync.run()],
      ['bytes', () => results.bytes],
      ['writeTaskRecord', () => driver.writeTaskRecord(taskBuffer, 0, 0, 108)],
    ];
    for (const [, use] of uses) {
      const error = thrownBy(use);
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(/used after/);
    }
    results.free();
  });

  test('a job refused since the device was closed does not claim that it needs a reset', () => {
    const { driver } = setUp();
    const job = driver.prepareJob({
      uses: [],
      label: 'job',
      taskBuffer: driver.allocate(TASKS),
      cores: [{ firstTask: 0, taskCount: 1 }],
    });
    driver.close();
    expect(thrownBy(() => job.run()).message).toBe('rknpu 0.9.8 at /dev/dri/card1: used after close');
  });
});

test('what was prepared with a buffer since freed is refused: the kernel would believe the address', () => {
  const { kernel, driver } = setUp();
  const buffer = driver.allocate(TASKS);
  const job = driver.prepareJob({
    uses: [],
    label: 'job',
    taskBuffer: buffer,
    cores: [{ firstTask: 0, taskCount: 1 }],
  });
  const sync = driver.prepareSync(buffer, 'to-device', 0, 64);
  buffer.free();
  for (const use of [() => job.run(), () => sync.run()]) {
    expect(thrownBy(use)).toBeInstanceOf(DeviceError);
    expect(use).toThrow(/^task records: used after it was freed/);
  }
  expect([...kernel.named('RKNPU_SUBMIT'), ...kernel.named('RKNPU_MEM_SYNC')]).toEqual([]);
});

test('a device that does not say whether it has an IOMMU is refused', () => {
  const kernel = new FakeKernel().fail('RKNPU_ACTION', 'EINVAL');
  const error = thrownBy(
    () => new VendorDriver({ kernel, fd: 9, description: '', readCma: () => undefined }),
  );
  expect(error).toBeInstanceOf(DeviceError);
  expect(error.message).toMatch(/^cannot ask whether the IOMMU is on: .*EINVAL/);
});
