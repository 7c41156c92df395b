import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { type DecodeRows, openDevice } from '../../src/device/index.js';
import { loadModel, type NpuModel } from '../../src/model/index.js';
import {
  argumentOf,
  DelegatingKernel,
  type IoctlArgument,
  type IoctlCall,
  type IoctlDefinition,
  type Mapping,
  MEM_SYNC,
  type StructFields,
  SyncFlag,
} from '../../src/testing.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { leftBehind, NOTHING, simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

/** Notes every call, also those that only prepare one. */
class NotingKernel extends DelegatingKernel {
  calls: string[] = [];

  override ioctl(fd: number, call: IoctlCall): void {
    const sync = argumentOf(call, MEM_SYNC);
    this.calls.push(sync === undefined ? call.definition.name : syncNote(sync));
    super.ioctl(fd, call);
  }

  override mmap(fd: number, bytes: number, offset: bigint): Mapping {
    this.calls.push('mmap');
    return super.mmap(fd, bytes, offset);
  }

  override munmap(mapping: Mapping): void {
    this.calls.push('munmap');
    super.munmap(mapping);
  }

  override argument<F extends StructFields>(definition: IoctlDefinition<F>): IoctlArgument<F> {
    this.calls.push('argument');
    return super.argument(definition);
  }

  override pinned(bytes: number): { readonly bytes: Uint8Array; readonly address: number } {
    this.calls.push('pinned');
    return super.pinned(bytes);
  }
}

function syncNote(sync: IoctlArgument<typeof MEM_SYNC.fields>): string {
  const direction = sync.get('flags') === SyncFlag.fromDevice ? 'from' : 'to';
  return `sync ${direction} the device: ${sync.get('size')} bytes at ${sync.get('offset')}`;
}

/** A submit and a sync of just its result for every matrix, in the order of the data flow. */
function expectedCalls(model: NpuModel, rows: number): string[] {
  return model.matrices.flatMap(({ paddedRows }) => [
    'RKNPU_SUBMIT',
    `sync from the device: ${rows * paddedRows * 4} bytes at 0`,
  ]);
}

describeDevice('calls to the driver', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    // As many layers as stories110M: the calls depend on nothing else of its shape.
    const config = { ...TINY, layerCount: 12 };
    Object.assign(files, await randomModel(folder, 'model', { config }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  test.each<[DecodeRows]>([[1], [4]])(
    'a token in %d-row mode takes 49 submits with a sync each, and nothing else',
    async rows => {
      let kernel!: NotingKernel;
      {
        await using device = await openDevice({
          kind: 'sim',
          rows,
          kernel: inner => {
            kernel = new NotingKernel(inner);
            return kernel;
          },
        });
        await using model = await loadModel(device, files.model);
        await using session = model.createSession();
        for (let position = 0; position < 3; position++) {
          kernel.calls = [];
          await session.forward(5 + position, position);
          expect(kernel.calls).toHaveLength(2 * 49);
          expect(kernel.calls).toEqual(expectedCalls(model, rows));
        }
        kernel.calls = [];
        await session.forwardBatch(new Array(16).fill(7), 3, { logits: 'all' });
        expect(kernel.calls).toEqual(expectedCalls(model, 16));
      }
      expect(leftBehind()).toEqual(NOTHING);
    },
  );
});
