import { constants } from 'node:os';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { openDevice } from '../src/device/index.js';
import { DeviceError } from '../src/errors.js';
import { loadModel, type NpuModel } from '../src/model/index.js';
import {
  argumentOf,
  CpuKernels,
  DelegatingKernel,
  type IoctlCall,
  type Kernel,
  KernelError,
  type Mapping,
  MatrixJob,
  MEM_CREATE,
  MEM_MAP,
  MEM_SYNC,
  PROGRAM_BYTES,
  RopeTable,
  SUBMIT,
  SyncFlag,
} from '../src/testing.js';
import { rejectionOf } from './support/errors.js';
import { type ModelFiles, randomModel, TINY } from './support/models.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from './support/simulator.js';
import { TemporaryFolder } from './support/temporary-folder.js';

/** Keeps what goes by, and fails the submits that it is told to. */
class ProbingKernel extends DelegatingKernel {
  readonly opened: string[] = [];
  readonly syncs: string[] = [];
  /** DMA buffers as they are mapped, by address. */
  readonly memory = new Map<bigint, Mapping>();
  failures = 0;
  submits = 0;
  readonly #addresses = new Map<number, bigint>();
  #mapping: number | undefined;

  override open(path: string): number {
    this.opened.push(path);
    return super.open(path);
  }

  override ioctl(fd: number, call: IoctlCall): void {
    const submit = argumentOf(call, SUBMIT);
    if (submit !== undefined) {
      this.submits++;
      expect(submit.get('core_mask')).toBe(7);
      if (this.failures > 0) {
        this.failures--;
        throw new KernelError('RKNPU_SUBMIT', constants.errno.ETIMEDOUT);
      }
    }
    const sync = argumentOf(call, MEM_SYNC);
    if (sync !== undefined) {
      this.syncs.push(`${sync.get('flags') === SyncFlag.fromDevice ? 'from' : 'to'} ${sync.get('size')}`);
    }
    super.ioctl(fd, call);
    const created = argumentOf(call, MEM_CREATE);
    if (created !== undefined) this.#addresses.set(created.get('handle'), created.get('dma_addr'));
    this.#mapping = argumentOf(call, MEM_MAP)?.get('handle') ?? this.#mapping;
  }

  override mmap(fd: number, bytes: number, offset: bigint): Mapping {
    const mapping = super.mmap(fd, bytes, offset);
    this.memory.set(this.#addresses.get(this.#mapping!)!, mapping);
    return mapping;
  }
}

describeDevice('what tests break on purpose', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  let wanted: number[];
  beforeAll(async () => {
    simulate();
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
    await withModel(async model => {
      wanted = await logitsOf(model);
    });
  });
  beforeEach(() => simulate());
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(() => folder[Symbol.dispose]());

  async function logitsOf(model: NpuModel): Promise<number[]> {
    await using session = model.createSession();
    return Array.from(await session.forwardBatch([1, 2, 3, 4], 0, { logits: 'all' }));
  }

  async function withModel(
    body: (model: NpuModel) => Promise<void>,
    kernel?: (kernel: Kernel) => Kernel,
  ): Promise<void> {
    {
      await using device = await openDevice({ kind: 'sim', ...(kernel && { kernel }) });
      await using model = await loadModel(device, files.model);
      await body(model);
    }
    expect(leftBehind()).toEqual(NOTHING);
  }

  test('a kernel in between sees every call, and what it changes the device computes with', async () => {
    let probe!: ProbingKernel;
    await withModel(
      async model => {
        expect(await logitsOf(model)).toEqual(wanted);
        expect(probe.opened).toEqual(['/dev/dri/card1']);
        expect(BigInt(probe.submits)).toBe(simulatorStats().submits);
        const stats = simulatorStats();
        expect(probe.syncs.filter(sync => sync.startsWith('from'))).toHaveLength(
          Number(stats.syncsFromDevice),
        );
        expect(probe.syncs.filter(sync => sync.startsWith('to'))).toHaveLength(Number(stats.syncsToDevice));
        const { buffer } = model.matrices.find(({ name }) => name === 'layers.0.wo')!;
        const { bytes } = probe.memory.get(BigInt(buffer.dmaAddress))!;
        expect(bytes.length).toBe(buffer.bytes);
        bytes.fill(0, 0, 1024);
        expect(model.readWeights('layers.0.wo').subarray(0, 1024)).toEqual(new Uint8Array(1024));
        expect(await logitsOf(model)).not.toEqual(wanted);
        expect(PROGRAM_BYTES % 16).toBe(0);
      },
      kernel => {
        probe = new ProbingKernel(kernel);
        return probe;
      },
    );
  });

  test('what it fails the driver takes for a failure of the kernel', async () => {
    let probe!: ProbingKernel;
    await withModel(
      async model => {
        probe.failures = 1;
        const error = await rejectionOf(logitsOf(model));
        expect(error).toBeInstanceOf(DeviceError);
        expect(error).toMatchObject({ timedOut: true });
        await model.device.reset();
        expect(await logitsOf(model)).toEqual(wanted);
      },
      kernel => {
        probe = new ProbingKernel(kernel);
        return probe;
      },
    );
  });

  test('a kernel stands before the real one, too, also where no device is found', async () => {
    const probes: ProbingKernel[] = [];
    const kernel = (inner: Kernel): Kernel => {
      probes.push(new ProbingKernel(inner));
      return probes.at(-1)!;
    };
    const path = folder.file('card1');
    const error = await rejectionOf(openDevice({ kind: 'rknpu', path, kernel }));
    expect(error).toBeInstanceOf(DeviceError);
    expect(probes.map(({ opened }) => opened)).toEqual([[path]]);
  });

  test('a RoPE table of another base is computed with', async () => {
    const original = RopeTable.prototype.at;
    jest.spyOn(RopeTable.prototype, 'at').mockImplementation(function (this: RopeTable, position) {
      const { length } = original.call(this, position);
      return Float32Array.from({ length }, (_, i) => {
        const angle = position * 9000 ** ((-2 * Math.floor(i / 2)) / length);
        return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
      });
    });
    await withModel(async model => {
      const got = await logitsOf(model);
      // Position 0 is not turned at all.
      expect(got.slice(0, TINY.vocabSize)).toEqual(wanted.slice(0, TINY.vocabSize));
      expect(got).not.toEqual(wanted);
    });
  });

  // A batch is one call of each a layer, but for RoPE: of queries, then of keys.
  test.each([
    ['rmsNorm', 2],
    ['addInPlace', 2],
    ['swiglu', 2],
    ['attention', 2],
    ['applyRope', 3],
  ] as const)('a step of the CPU (%s) can be left out at call %i alone', async (name, nth) => {
    let calls = 0;
    const original = CpuKernels.prototype[name] as (...args: unknown[]) => void;
    const spy = jest.spyOn(CpuKernels.prototype, name) as unknown as jest.Mock<(...args: unknown[]) => void>;
    spy.mockImplementation(function (this: CpuKernels, ...args) {
      if (++calls !== nth) original.apply(this, args);
    });
    await withModel(async model => {
      expect(await logitsOf(model)).not.toEqual(wanted);
      expect(calls).toBeGreaterThanOrEqual(nth);
    });
  });

  test('the parts of a result can be read in one another’s place', async () => {
    const original = MatrixJob.prototype.read;
    jest.spyOn(MatrixJob.prototype, 'read').mockImplementation(function (this: MatrixJob, ...args) {
      const [kernels, part, into, at] = args;
      const swapped = this.matrix.name === 'layers.1.wqkv' && part > 0;
      original.call(this, kernels, swapped ? 3 - part : part, into, at);
    });
    await withModel(async model => {
      expect(await logitsOf(model)).not.toEqual(wanted);
    });
  });
});
