import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const RUNTIME = new URL('../../src/index.js', import.meta.url).href;

/** A model in a worker, and `session`; then `body`. */
const program = (model: string, body: string): string => `
  const { loadModel, openDevice } = await import('${RUNTIME}');
  const device = await openDevice({ kind: 'sim', worker: true });
  const model = await loadModel(device, ${JSON.stringify(model)});
  const session = model.createSession();
  const run = () => session.forward(1, 0);
  ${body}`;

describeDevice('a process with a device in a worker', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
  });
  afterAll(() => folder[Symbol.dispose]());

  test.each([
    ['that nobody uses any more ends by itself, closed or not', 'await run();', 0, null],
    [
      'whose call is not awaited ends when it has been answered',
      "run().then(() => console.log('ran'));",
      0,
      null,
    ],
    ['is ended by process.exit() in the middle of a call', 'run(); process.exit(7);', 7, null],
    ['is ended by an exception in the middle of a call', "run(); throw new Error('boom');", 1, null],
    [
      'is ended by a signal in the middle of a call',
      "run(); process.kill(process.pid, 'SIGINT');",
      null,
      'SIGINT',
    ],
    ['ends after closing the device', 'await run(); await device.close();', 0, null],
  ])('%s', (title, body, status, signal) => {
    // Options of node's that a worker's file does not go with must not go to it.
    const args = ['--input-type=module', '--eval', program(files.model, body)];
    const child = spawnSync(process.execPath, args, { encoding: 'utf8', env: process.env });
    expect([child.status, child.signal]).toEqual([status, signal]);
    expect(child.stderr.replaceAll(/Error: boom/g, '')).not.toMatch(status === 1 ? /DeviceError/ : /./);
    if (title.includes('answered')) expect(child.stdout).toBe('ran\n');
  });
});
