import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeNpuHeader, FileError, NpuFile, npuTensors } from '@npu-llama/format';
import { type NpuDevice, openDevice } from '../../src/device/index.js';
import { DeviceError, ModelLimitError } from '../../src/errors.js';
import { loadModel } from '../../src/model/index.js';
import { rejectionOf } from '../support/errors.js';
import { describeEverywhere } from '../support/everywhere.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { inject, leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

/** 9 matrices, features, results, programs, tasks. */
const BUFFERS = 4 * TINY.layerCount + 1 + 4;
/** What the start-up check has allocated, mapped and freed, and synced, before anything is loaded. */
const CHECK_BUFFERS = 5;
const CHECK_SYNCS = 6;

describeEverywhere('loadModel', place => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY, sharedClassifier: false }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  const open = (): Promise<NpuDevice> => openDevice({ ...place, kind: 'sim' });

  /** What loading fails with; the device must be as it was before. */
  async function failureOf(path: string, signal?: AbortSignal): Promise<Error> {
    const device = await open();
    const error = await rejectionOf(loadModel(device, path, signal === undefined ? {} : { signal }));
    expect(device.driver.dmaBytesInUse).toBe(0);
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
    return error;
  }

  test('takes the DMA memory that it planned, and gives all of it back', async () => {
    const device = await open();
    const model = await loadModel(device, files.model);
    expect(simulatorStats()).toMatchObject({
      liveBuffers: BigInt(BUFFERS),
      liveMappings: BigInt(BUFFERS),
      liveBufferBytes: BigInt(model.dmaBytes),
    });
    await model.close();
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('is undone by closing the device alone', async () => {
    const device = await open();
    const model = await loadModel(device, files.model);
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
    await model.close();
  });

  test('again and again keeps nothing', async () => {
    await using device = await open();
    for (let i = 0; i < 20; i++) await (await loadModel(device, files.model)).close();
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
  });

  test('reports its progress to the last byte', async () => {
    await using device = await open();
    const seen: number[] = [];
    let total = 0;
    await using _model = await loadModel(device, files.model, {
      onProgress: (done, all) => {
        seen.push(done);
        total = all;
      },
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect([seen.length, seen.at(-1)]).toEqual([4 * TINY.layerCount + 1, total]);
  });

  describe.each(['ENOMEM', 'EFAULT'])('when the driver answers %s', errno => {
    test.each(Array.from({ length: BUFFERS }, (_, i) => i + 1))(
      'to allocation %i says so and frees what came before',
      async k => {
        simulate(`alloc@${CHECK_BUFFERS + k}=${errno}`);
        const error = await failureOf(files.model);
        expect(error).toBeInstanceOf(DeviceError);
        expect(error).toMatchObject({ exitStatus: 3 });
        expect(error.message).toMatch(
          /^the driver refused .* of DMA memory for (weights of \S+|features|results|programs|task records): /,
        );
        expect(error.message).toContain(`(${errno})`);
        expect(error.message).toMatch(
          / (\d+ bytes|\d+\.\d MiB) of (\d+ bytes|\d+\.\d MiB) in all in use by this process/,
        );
        expect(simulatorStats().faultsInjected).toBe(1n);
      },
    );

    test(`to allocation ${BUFFERS + 1} does not notice: there is none`, async () => {
      simulate(`alloc@${CHECK_BUFFERS + BUFFERS + 1}=${errno}`);
      await using device = await open();
      await using _model = await loadModel(device, files.model);
      expect(simulatorStats().faultsInjected).toBe(0n);
    });
  });

  test.each(['map', 'mmap'].flatMap(call => [1, 7, BUFFERS].map(k => [call, k] as const)))(
    'whose %s %i fails frees what came before',
    async (call, k) => {
      simulate(`${call}@${CHECK_BUFFERS + k}=ENOMEM`);
      const error = await failureOf(files.model);
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(/^the driver refused .*\(ENOMEM\)/);
    },
  );

  test('whose sync of the task records fails frees everything', async () => {
    simulate(`sync@${CHECK_SYNCS + 1}=EIO`);
    const error = await failureOf(files.model);
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^cannot sync \d+ bytes of task records to the device: .*\(EIO\)/);
  });

  test('that fails, and whose clean-up fails too, is told for itself', async () => {
    const device = await open();
    inject('alloc@5=ENOMEM,destroy@1=EIO,destroy@2=EIO');
    const error = await rejectionOf(loadModel(device, files.model));
    expect(error.message).toMatch(/^the driver refused .*\(ENOMEM\)/);
    expect(leftBehind()).toMatchObject({ liveBuffers: 2n, liveMappings: 0n });
    await device.close();
    expect(leftBehind()).toMatchObject({ liveBuffers: 0n, openFiles: 0n });
  });

  test('closing a model frees the other buffers though one cannot be, and says which', async () => {
    const device = await open();
    const model = await loadModel(device, files.model);
    inject('destroy@3=EIO');
    const error = await rejectionOf(model.close());
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^cannot free weights of layers\.0\.w13: .*\(EIO\)/);
    expect(leftBehind()).toMatchObject({ liveBuffers: 1n, liveMappings: 0n });
    await model.close();
    await device.close();
  });

  test('a device too small for the plan says how much is in use of how much', async () => {
    simulate('cma=256K');
    const error = await failureOf(files.model);
    expect(error.message).toMatch(
      /in all in use by this process, the 4 GiB window has at most 409\d\.\d MiB left; close other programs that use the NPU, or simulate a device with more \(NPU_SIM=cma=512M\)$/,
    );
  });

  test('a model beyond 4 GiB is refused before anything is allocated', async () => {
    // Its header promises what a file of that size would hold; the file is sparse.
    const path = folder.file('large.npu');
    writeSparseModel(path);
    const error = await failureOf(path);
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error.message).toMatch(
      /does not fit the 4 GiB that the NPU can address: got \d+\.\d MiB \(\d+ bytes\) /,
    );
    expect(simulatorStats().allocations).toBe(BigInt(CHECK_BUFFERS));
  });

  const damages: [string, (bytes: Buffer, file: NpuFile) => Buffer, RegExp][] = [
    ['an empty file', () => Buffer.alloc(0), /./],
    ['half a file', bytes => bytes.subarray(0, bytes.length / 2), /./],
    ['a byte too many', bytes => Buffer.concat([bytes, Buffer.of(0)]), /./],
    ['another kind of file', () => Buffer.from('#!/bin/sh\necho hello\n'.repeat(1000)), /./],
  ];
  for (const name of [
    'layers.0.wqkv',
    'layers.1.w2',
    'classifier',
    'rms_att',
    'rms_final',
    'token_embedding',
    'tokenizer',
  ]) {
    damages.push([
      `a flipped bit in ${name}`,
      (bytes, file) => {
        const { offset, bytes: length } = file.tensor(name);
        const at = file.dataOffset + offset + length - 1;
        bytes[at] = bytes[at]! ^ 0x10;
        return bytes;
      },
      new RegExp(`tensor ${name} is damaged: got crc32:.*, wanted crc32:`),
    ]);
  }
  test.each(damages)('refuses %s, and leaves nothing behind', async (_, damage, message) => {
    const path = folder.file('damaged.npu');
    {
      using file = NpuFile.open(files.model);
      writeFileSync(path, damage(readFileSync(files.model), file));
    }
    const error = await failureOf(path);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ path, exitStatus: 2 });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });

  test.each([
    'layers.0.wqkv',
    'classifier',
    'rms_att',
    'rms_ffn',
    'rms_final',
    'token_embedding',
    'tokenizer',
  ])('takes a flipped bit in %s as it is when told not to verify checksums', async name => {
    const path = folder.file('damaged.npu');
    const bytes = readFileSync(files.model);
    {
      using file = NpuFile.open(files.model);
      const { offset, bytes: length } = file.tensor(name);
      const at = file.dataOffset + offset + length - 1;
      bytes[at] = bytes[at]! ^ 0x10;
    }
    writeFileSync(path, bytes);
    const logits: number[][] = [];
    await using device = await open();
    for (const one of [files.model, path]) {
      await using model = await loadModel(device, one, { verifyChecksums: false });
      await using session = model.createSession();
      logits.push(Array.from(await session.forward(TINY.vocabSize - 1, 0)));
    }
    // The last bytes of wqkv and of the classifier are padding, and a tokenizer computes nothing.
    const shows = name.startsWith('rms') || name === 'token_embedding';
    expect(isDeepStrictEqual(logits[0], logits[1])).toBe(!shows);
    expect(await rejectionOf(loadModel(device, path, { verifyChecksums: true }))).toBeInstanceOf(FileError);
  });

  test('refuses a file that is not there', async () => {
    expect(await failureOf(folder.file('missing.npu'))).toBeInstanceOf(FileError);
  });

  test.each(Array.from({ length: 4 * TINY.layerCount + 2 }, (_, i) => i))(
    'aborted after %i matrices ends with the reason',
    async count => {
      const device = await open();
      const controller = new AbortController();
      const reason = new Error('enough');
      if (count === 0) controller.abort(reason);
      let seen = 0;
      const load = loadModel(device, files.model, {
        signal: controller.signal,
        onProgress: () => {
          if (++seen === count) controller.abort(reason);
        },
      });
      if (count > 4 * TINY.layerCount + 1) {
        await (await load).close();
      } else {
        expect(await rejectionOf(load)).toBe(reason);
        expect(seen).toBe(count);
      }
      expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
      await device.close();
    },
  );

  test('on a device that is closed meanwhile ends with an error, not with a crash', async () => {
    const device = await open();
    let closing: Promise<void> | undefined;
    const error = await rejectionOf(
      loadModel(device, files.model, {
        onProgress: () => {
          closing ??= device.close();
        },
      }),
    );
    await closing;
    expect(error).toBeInstanceOf(DeviceError);
    expect(leftBehind()).toEqual(NOTHING);
  });
});

/** A .npu file whose header is right and says more than 4 GiB; its bytes are a hole. */
function writeSparseModel(path: string): void {
  const config = { ...TINY, dim: 4096, hiddenDim: 11008, layerCount: 32, headCount: 32, kvHeadCount: 32 };
  const tensors = npuTensors(config, true, 0);
  const description = {
    config,
    sharedClassifier: true,
    source: { name: 'large.bin', sha256: '0'.repeat(64), version: 0 },
    converter: '0.0.0',
    saturated: 0,
    tokenizerBytes: 0,
  } as const;
  const header = encodeNpuHeader(description, new Map(tensors.map(({ name }) => [name, 'crc32:00000000'])));
  writeFileSync(path, header);
  truncateSync(path, header.length + tensors.reduce((sum, { bytes }) => sum + bytes, 0));
}
