import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { formatBytes } from '@npu-llama/format';
import { DeviceError } from '../../src/errors.js';
import { loadModel } from '../../src/model/index.js';
import { DeviceThread } from '../../src/worker/device-thread.js';
import { openInWorker } from '../../src/worker/open-in-worker.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { closeLeftFiles, leftBehind, simulate } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

describeDevice('a worker that ends by itself', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
  });
  beforeEach(() => simulate());
  afterEach(() => {
    closeLeftFiles();
    expect(leftBehind()).toMatchObject({ openFiles: 0n, liveBuffers: 0n });
  });
  afterAll(() => folder[Symbol.dispose]());

  test('fails every call that waits and every later one, saying what is left', async () => {
    const thread = new DeviceThread();
    const device = await openInWorker({ kind: 'sim' }, thread);
    const model = await loadModel(device, files.model);
    const sessions = [model.createSession(), model.createSession()];
    const pending = sessions.map(session => rejectionOf(session.forward(1, 0)));
    await thread.kill();
    const left = `${formatBytes(model.dmaBytes)} of DMA memory`;
    const wanted = `the worker thread that drives the device has ended: exit status 1; its open file and ${left} are released when this process ends: start it again`;
    for (const error of [
      ...(await Promise.all(pending)),
      await rejectionOf(sessions[0]!.forward(1, 0)),
      await rejectionOf(model.multiply('classifier', new Float32Array(TINY.dim), 1)),
      await rejectionOf(loadModel(device, files.model)),
      await rejectionOf(device.reset()),
      thrownBy(() => model.createSession()),
      thrownBy(() => device.driver.checkOpen()),
    ]) {
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toBe(wanted);
    }
    // It was told, and there is nothing to close: what ended the work is not hidden by a failure of closing.
    for (const one of [...sessions, model, device, device]) await one.close();
  });

  test('while nobody waits is told by close(), once', async () => {
    const thread = new DeviceThread();
    const device = await openInWorker({ kind: 'sim' }, thread);
    const model = await loadModel(device, files.model);
    await thread.kill();
    await model.close();
    expect(await rejectionOf(device.close())).toBeInstanceOf(DeviceError);
    await device.close();
  });

  test.each([
    ['throws', "throw new RangeError('out of luck')", /: out of luck; /],
    ['exits', 'process.exit(7)', /: exit status 7; /],
    ['cannot be loaded', 'not a program', /: Unexpected identifier/],
  ])('since its program %s is an error of opening', async (_, program, message) => {
    const script = folder.write('broken.mjs', program);
    const error = await rejectionOf(
      openInWorker({ kind: 'sim' }, new DeviceThread(new URL(script, 'file:'))),
    );
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(message);
    expect(error.message).toContain('; its open file and 0 bytes of DMA memory are released');
  });
});
