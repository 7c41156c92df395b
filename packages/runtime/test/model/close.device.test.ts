import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type NpuDevice, openDevice } from '../../src/device/index.js';
import { DeviceError } from '../../src/errors.js';
import { loadModel, type NpuModel, type Session } from '../../src/model/index.js';
import { rejectionOf } from '../support/errors.js';
import { describeEverywhere } from '../support/everywhere.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { inject, leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

interface Opened {
  readonly device: NpuDevice;
  readonly model: NpuModel;
  readonly sessions: readonly Session[];
}

describeEverywhere('close()', place => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  async function opened(): Promise<Opened> {
    const device = await openDevice({ ...place, kind: 'sim' });
    const model = await loadModel(device, files.model);
    const sessions = Array.from({ length: 4 }, () => model.createSession());
    await sessions[0]!.forward(1, 0);
    return { device, model, sessions };
  }

  test('of a model called again waits until its memory is free, and then does nothing', async () => {
    const { device, model } = await opened();
    const first = model.close();
    await model.close();
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
    await first;
    const { ioctls } = simulatorStats();
    await model.close();
    expect(simulatorStats().ioctls).toBe(ioctls);
    await device.close();
  });

  test('of a device called again waits until it is closed, and then does nothing', async () => {
    const { device } = await opened();
    const first = device.close();
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
    await first;
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('of a session called again, with others and within that of its model, ends with it', async () => {
    const { device, model, sessions } = await opened();
    const [one, two] = sessions as readonly [Session, Session];
    await Promise.all([one.close(), one.close(), two.close(), model.close()]);
    await one.close();
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
    await device.close();
  });

  test('of a session and of a model waits for that of the device, which closes them', async () => {
    const { device, model, sessions } = await opened();
    const closing = device.close();
    await sessions[0]!.close();
    expect(leftBehind()).toEqual(NOTHING);
    await model.close();
    await closing;
  });

  test('that fails fails for who called first; who called again waits all the same', async () => {
    const { device, model } = await opened();
    inject('destroy@2=EIO');
    const first = rejectionOf(model.close());
    await model.close();
    // The one that the driver did not take back is freed with the device's file.
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n, liveBuffers: 1n });
    expect(await first).toBeInstanceOf(DeviceError);
    await model.close();
    await device.close();
  });

  test('of a device that fails fails for who called first; who called again waits all the same', async () => {
    const { device } = await opened();
    inject('close@1=EIO');
    const first = rejectionOf(device.close());
    await device.close();
    expect(leftBehind()).toEqual(NOTHING);
    expect(await first).toBeInstanceOf(DeviceError);
    await device.close();
  });
});
