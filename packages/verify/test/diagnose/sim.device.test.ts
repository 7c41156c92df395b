import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { convertCheckpoint } from '@npu-llama/converter';
import { describeDevice, writeRandomCheckpoint } from '@npu-llama/fixtures';
import {
  argumentOf,
  DelegatingKernel,
  type IoctlCall,
  type Mapping,
  MEM_SYNC,
  SyncFlag,
} from '@npu-llama/runtime/testing';
import {
  auditRuns,
  checkpointWeights,
  diagnosePosition,
  type ModelWeights,
  openFileWeights,
  Recorder,
  ReferenceInputs,
  sweep,
} from '../../src/diagnose/index.js';
import type { NpuUnderTest } from '../../src/npu/npu-under-test.js';
import { openRuntimeNpuWith } from '../../src/npu/runtime-npu.js';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import { TemporaryFolder, weightsOf } from '../support/models.js';
import { CONFIG, summary, TOKENS } from './support/session.js';

/** Shows the DMA memory, and leaves out syncs from the device when asked to. */
class SeenKernel extends DelegatingKernel {
  /** Those that are there: to touch another is a crash. */
  readonly mappings = new Set<Mapping>();
  syncsFromDevice = true;

  override mmap(fd: number, bytes: number, offset: bigint): Mapping {
    const mapping = super.mmap(fd, bytes, offset);
    this.mappings.add(mapping);
    return mapping;
  }

  override munmap(mapping: Mapping): void {
    this.mappings.delete(mapping);
    super.munmap(mapping);
  }

  override ioctl(fd: number, call: IoctlCall): void {
    const flags = argumentOf(call, MEM_SYNC)?.get('flags');
    if (!this.syncsFromDevice && flags === SyncFlag.fromDevice) return;
    super.ioctl(fd, call);
  }
}

describeDevice('diagnosis on the simulated device', () => {
  const folder = new TemporaryFolder();
  const source = folder.file('model.bin');
  const target = folder.file('model.npu');
  let reference: ReferenceWeights;
  let weights: ModelWeights;
  beforeAll(async () => {
    writeRandomCheckpoint(source, { config: CONFIG, seed: 6 });
    await convertCheckpoint({ source, target });
    reference = await weightsOf(source);
    weights = checkpointWeights(reference, { saturated: false });
  });
  afterAll(() => folder[Symbol.dispose]());

  async function withNpu(body: (npu: NpuUnderTest, kernel: SeenKernel) => Promise<void>): Promise<void> {
    let seen: SeenKernel | undefined;
    const open = openRuntimeNpuWith({
      kernel: kernel => {
        seen = new SeenKernel(kernel);
        return seen;
      },
    });
    const npu = await open({ model: target, device: 'sim' });
    try {
      await body(npu, seen!);
    } finally {
      await npu.close();
    }
  }

  async function auditOf(npu: NpuUnderTest) {
    const { matrices } = weights;
    const recorder = new Recorder({ config: CONFIG, matrices, audited: p => p !== 1 });
    const session = npu.watch(recorder.onMatrix);
    await session.forward(TOKENS.slice(0, 5), 0);
    for (let p = 5; p < TOKENS.length; p++) await session.forward([TOKENS[p]!], p);
    const { keyValues } = session;
    const audit = await auditRuns({ recorder, weights, tokens: TOKENS, placed: npu.matrices, keyValues });
    await session.close();
    return audit;
  }

  test('finds nothing wrong with it: audit, diagnosis and sweep', async () => {
    await withNpu(async npu => {
      const audit = await auditOf(npu);
      expect(audit.findings).toEqual([]);
      const inputs = new ReferenceInputs(6);
      const session = new ReferenceSession(reference, TOKENS.length, {
        arithmetic: 'fp16',
        onMatrix: inputs.onMatrix,
      });
      await session.forward(TOKENS.slice(0, 7), 0);
      using file = openFileWeights(target);
      const diagnosis = await diagnosePosition({ npu, weights, file, inputs, audit });
      expect(diagnosis.findings).toEqual([]);
      expect(diagnosis.conclusions).toEqual([expect.stringMatching(/^nothing is wrong/)]);
      const { findings, matrices } = await sweep({ npu, weights: file, file });
      expect(findings).toEqual([]);
      expect(matrices).toHaveLength(15);
    });
  });

  test('finds the bit that was flipped in DMA memory', async () => {
    await withNpu(async (npu, kernel) => {
      const tiles = Buffer.from(npu.readWeights('layers.1.w2'));
      const mapping = [...kernel.mappings].find(({ bytes }) =>
        Buffer.from(bytes.subarray(0, tiles.length)).equals(tiles),
      )!;
      mapping.bytes[2 * 777] = mapping.bytes[2 * 777]! ^ 1;
      const { findings } = await sweep({ npu, weights, matrices: ['layers.1.w2'] });
      expect(summary(findings)).toEqual([
        expect.stringMatching(/DMA memory does not hold .* row 8, column 41 .* mantissa bit 0/),
        expect.stringMatching(/output 8 alone .* right for the weights that are in memory/),
      ]);
    });
  });

  test('recognises results that were never synced', async () => {
    await withNpu(async (npu, kernel) => {
      await sweep({ npu, weights, matrices: ['layers.0.wqkv'] });
      kernel.syncsFromDevice = false;
      const { findings, diagnosis } = await sweep({ npu, weights, matrices: ['layers.0.wqkv'] });
      expect(summary(findings)[0]).toMatch(/^layers\.0\.wqkv: .*what stood there before the job$/);
      expect(diagnosis.conclusions[0]).toMatch(/missing sync from the device/);
    });
  });
});
