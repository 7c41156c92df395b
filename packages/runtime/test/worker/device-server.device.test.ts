import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { AbortFlag } from '../../src/worker/abort-flag.js';
import { DeviceServer } from '../../src/worker/device-server.js';
import type { Answer, Argument, CallName } from '../../src/worker/protocol.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const JOBS_A_PASS = 4 * TINY.layerCount + 1;
const OPEN = { options: { kind: 'sim', rows: 1 }, tellsWrongProduct: false } as const;

/** A server without a thread around it: what it sends can be met in the very moment. */
class Served {
  readonly answers: Answer[] = [];
  onAnswer: (answer: Answer) => void = () => {};
  #id = 0;
  readonly #server = new DeviceServer(answer => {
    this.answers.push(answer);
    this.onAnswer(answer);
  });

  async call<Name extends CallName>(
    call: Name,
    argument: Argument<Name>,
    abort?: AbortFlag,
  ): Promise<Answer> {
    await this.#server.handle({ id: ++this.#id, call, argument, abort: abort?.memory });
    return this.answers.find(({ id, kind }) => id === this.#id && kind !== 'event')!;
  }
}

describeDevice('the server of a device in a worker', () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  async function opened(): Promise<Served> {
    const served = new Served();
    expect(await served.call('open', OPEN)).toMatchObject({ kind: 'result' });
    return served;
  }

  const load = () => ({ model: 1, path: files.model, verifyChecksums: true });

  test('ends an opening with the job of the start-up check that hangs when it is aborted', async () => {
    simulate('submit@1-=timeout');
    const flag = new AbortFlag();
    // The first job has failed by the time that others have a turn.
    const opening = new Served().call('open', OPEN, flag);
    flag.abort();
    expect(await opening).toMatchObject({ kind: 'aborted', told: { dmaBytesInUse: 0 } });
    expect(simulatorStats().faultsInjected).toBe(1n);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('ends a load within a chunk of its abortion, and frees what it had', async () => {
    const served = await opened();
    const flag = new AbortFlag();
    let progress = 0;
    served.onAnswer = ({ kind }) => {
      if (kind === 'event' && ++progress === 3) flag.abort();
    };
    expect(await served.call('loadModel', load(), flag)).toMatchObject({
      kind: 'aborted',
      told: { dmaBytesInUse: 0 },
    });
    expect(progress).toBe(3);
    expect(leftBehind()).toEqual({ ...NOTHING, openFiles: 1n });
    await served.call('close', {});
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('ends a prompt within a batch of its abortion', async () => {
    const served = await opened();
    await served.call('loadModel', load());
    const id = { model: 1, session: 1 };
    await served.call('createSession', id);
    const flag = new AbortFlag();
    const { submits } = simulatorStats();
    const tokens = Array.from({ length: 70 }, (_, i) => i);
    const prompt = served.call('forward', { ...id, tokens, firstPosition: 0, logits: 'last' }, flag);
    // The first 64 have run by now, and the other 6 wait for their turn.
    flag.abort();
    expect(await prompt).toMatchObject({ kind: 'aborted', told: { length: 0 } });
    expect(simulatorStats().submits - submits).toBe(BigInt(JOBS_A_PASS - 1));
    await served.call('close', {});
  });

  test('answers a call that was under way before it answers that the device is closed', async () => {
    const served = await opened();
    await served.call('loadModel', load());
    const id = { model: 1, session: 1 };
    await served.call('createSession', id);
    const tokens = Array.from({ length: 70 }, (_, i) => i);
    const prompt = served.call('forward', { ...id, tokens, firstPosition: 0, logits: 'last' });
    const close = served.call('close', {});
    await Promise.all([prompt, close]);
    expect(served.answers.slice(-2).map(({ kind }) => kind)).toEqual(['error', 'result']);
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('tells new memory for logits once, and of what a session costs with every answer', async () => {
    const served = await opened();
    await served.call('loadModel', load());
    const id = { model: 1, session: 1 };
    await served.call('createSession', id);
    const forward = (tokens: number[], logits: 'all' | 'last') =>
      served.call('forward', { ...id, tokens, firstPosition: 0, logits });
    const shared = { memory: expect.any(SharedArrayBuffer) };
    expect(await forward([1], 'last')).toMatchObject({
      result: { count: 300, ...shared },
      told: { length: 1, counters: { submits: JOBS_A_PASS } },
    });
    expect(await forward([2], 'last')).toMatchObject({ result: { count: 300 } });
    expect(await forward([1, 2], 'all')).toMatchObject({ result: { count: 600, ...shared } });
    const again = await forward([1], 'last');
    expect(again).toMatchObject({ told: { length: 1, counters: { submits: 4 * JOBS_A_PASS } } });
    expect(again).toHaveProperty('result', { count: 300 });
    await served.call('close', {});
  });

  test('answers a call of what is not there with an error, and goes on', async () => {
    const served = new Served();
    expect(await served.call('reset', {})).toMatchObject({ kind: 'error' });
    const forward = { model: 1, session: 1, tokens: [1], firstPosition: 0, logits: 'last' } as const;
    expect(await served.call('forward', forward)).toMatchObject({ kind: 'error' });
    expect(await served.call('closeSession', { model: 1, session: 1 })).toMatchObject({ kind: 'result' });
    expect(await served.call('close', {})).toMatchObject({ kind: 'result' });
  });
});
