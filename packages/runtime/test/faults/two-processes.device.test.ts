import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { openDevice } from '../../src/device/index.js';
import { loadModel, type NpuModel } from '../../src/model/index.js';
import { rejectionOf } from '../support/errors.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import type { Answer, Request } from './support/other-process.js';

const PROGRAM = fileURLToPath(new URL('./support/other-process.js', import.meta.url));
const TOKENS = [1, 5, 9, 13, 17, 21];

describeDevice('two processes on one device', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  let alone: number[];
  let modelBytes: number;
  let other: ChildProcess | undefined;
  let devices = 0;

  beforeAll(async () => {
    simulate();
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
    await withModel(async model => {
      modelBytes = model.dmaBytes;
      alone = await logitsOf(model);
    });
  });
  afterEach(async () => {
    await killOther();
    expect(leftBehind()).toEqual(NOTHING);
    simulate();
  });
  afterAll(() => folder[Symbol.dispose]());

  /** The first logit of each token, bit by bit. */
  async function logitsOf(model: NpuModel): Promise<number[]> {
    await using session = model.createSession();
    const logits: number[] = [];
    for (const [position, token] of TOKENS.entries())
      logits.push((await session.forward(token, position))[0]!);
    return logits;
  }

  async function withModel(work: (model: NpuModel) => Promise<void>): Promise<void> {
    await using device = await openDevice({ kind: 'sim' });
    await using model = await loadModel(device, files.model);
    await work(model);
  }

  /** A device of its own for a test, and another process with the model loaded on it. */
  async function share(plan = ''): Promise<void> {
    const shared = `shared=${folder.file(`device-${devices++}`)}${plan}`;
    simulate(shared);
    other = fork(PROGRAM, { env: { ...process.env, NPU_SIM: `log=0,${shared}` } });
    expect(await ask({ load: files.model })).toEqual({});
  }

  async function ask(request: Request): Promise<Answer> {
    other!.send(request);
    const ended = new AbortController();
    const { signal } = ended;
    const exit = once(other!, 'exit', { signal }).then(() => Promise.reject(new Error('it ended')));
    const [answer] = (await Promise.race([once(other!, 'message', { signal }), exit])) as [Answer];
    exit.catch(() => {}); // called off
    ended.abort();
    return answer;
  }

  async function killOther(): Promise<void> {
    if (other === undefined || other.signalCode !== null || other.exitCode !== null) return;
    const exit = once(other, 'exit');
    other.kill('SIGKILL');
    await exit;
  }

  test('compute what one alone computes, while the other resets it after each token', async () => {
    await share();
    await withModel(async model => {
      const work = ask({ work: 20 });
      for (let i = 0; i < 10; i++) expect(await logitsOf(model)).toEqual(alone);
      expect(await work).toEqual({});
    });
  });

  test('have one CMA area: a model that does not fit beside the other one does when that was killed', async () => {
    await share(`,cma=${Math.ceil(modelBytes * 1.9)}`); // room for the start-up check beside the other's model
    await using device = await openDevice({ kind: 'sim' });
    const error = await rejectionOf(loadModel(device, files.model));
    expect(error.message).toMatch(/^the driver refused .*close other programs that use the NPU/);
    expect(device.driver.dmaBytesInUse).toBe(0);
    await killOther();
    await using model = await loadModel(device, files.model);
    expect(await logitsOf(model)).toEqual(alone);
  });

  test('a job of the other that hangs fails the next one here, which says so, until the device is reset', async () => {
    await share();
    await withModel(async model => {
      expect((await ask({ hang: true })).failed).toMatch(/timed out/);
      const error = await rejectionOf(logitsOf(model));
      expect(error.message).toMatch(/timed out/);
      await model.device.reset();
      expect(await logitsOf(model)).toEqual(alone);
    });
  });

  test('a core that hangs since the other was killed is reset by the start-up check', async () => {
    await share();
    await using _kept = await openDevice({ kind: 'sim' }); // who finds it in nobody's hands makes it anew
    expect((await ask({ hang: true })).failed).toMatch(/timed out/);
    await killOther();
    const { resets } = simulatorStats();
    await withModel(async model => expect(await logitsOf(model)).toEqual(alone));
    expect(simulatorStats().resets).toBeGreaterThan(resets);
  });
});
