import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openDevice } from '../../src/device/index.js';
import { DeviceError } from '../../src/errors.js';
import { loadModel, type NpuModel } from '../../src/model/index.js';
import { generate, Sampler } from '../../src/text/index.js';
import { rejectionOf } from '../support/errors.js';
import { describeEverywhere } from '../support/everywhere.js';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { inject, leftBehind, NOTHING, simulate, simulatorStats } from '../support/simulator.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const STEPS = 12;
const JOBS_A_TOKEN = 4 * TINY.layerCount + 1;

async function textOf(model: NpuModel): Promise<string> {
  await using session = model.createSession();
  const sampler = new Sampler({ temperature: 0.8, seed: 7 });
  let text = '';
  for await (const piece of generate(session, {
    tokenizer: model.tokenizer!,
    sampler,
    prompt: 'the sea',
    steps: STEPS,
  })) {
    text += `${piece.token} `;
  }
  return text;
}

describeEverywhere('a device that fails', place => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  let wanted = '';
  beforeAll(async () => {
    simulate();
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
    await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
    await using model = await loadModel(device, files.model);
    wanted = await textOf(model);
    expect(wanted.split(' ').length).toBeGreaterThan(STEPS / 2);
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  // The first job, one within the prompt, one behind it, and the last of a token.
  describe.each([1, 4, JOBS_A_TOKEN, JOBS_A_TOKEN + 3])('at submit %i of a generation', nth => {
    test.each([
      [
        'times out',
        'timeout',
        /^RKNPU_SUBMIT timed out after 6000 ms: (layers\.[01]\.\w+|classifier) with \d+ rows?, 0 of 3 tasks done; the device needs a reset$/,
      ],
      [
        'is refused',
        'EINVAL',
        /^RKNPU_SUBMIT failed: .*\(EINVAL\): (layers\.[01]\.\w+|classifier) with \d+ rows?, /,
      ],
    ])(
      'that %s: says which job, refuses work until reset, then gives the same text as before',
      async (_, fault, message) => {
        {
          await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
          await using model = await loadModel(device, files.model);
          await using session = model.createSession();
          await session.forward(1, 0);
          inject(`submit@${nth}=${fault}`);
          const error = await rejectionOf(textOf(model));
          expect(error).toBeInstanceOf(DeviceError);
          expect(error).toMatchObject({ exitStatus: 3 });
          expect(error.message).toMatch(message);

          const { submits } = simulatorStats();
          const refused = await rejectionOf(session.forward(2, 1));
          expect(refused).toBeInstanceOf(DeviceError);
          expect(refused.message).toMatch(
            /^layers\.0\.wqkv with 1 row: not submitted, since \S+ with \d+ rows? failed; reset the device$/,
          );
          expect(simulatorStats().submits).toBe(submits);
          // What it ran before still stands: position 1 can be run after the reset.
          expect(session.length).toBe(1);

          await device.reset();
          expect(await textOf(model)).toBe(wanted);
          await session.forward(2, 1);
        }
        expect(leftBehind()).toEqual(NOTHING);
      },
    );
  });

  test('in a rewound session leaves it at the position it was rewound to, since what stood behind is written over', async () => {
    await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
    await using model = await loadModel(device, files.model);
    await using straight = model.createSession();
    await straight.forward(5, 0);
    await straight.forward(6, 1);
    const expected = Array.from(await straight.forward(9, 2));

    await using session = model.createSession();
    for (const [position, token] of [5, 6, 7, 8].entries()) await session.forward(token, position);
    inject('submit@6=EINVAL');
    expect(await rejectionOf(session.forward(9, 2))).toBeInstanceOf(DeviceError);
    await device.reset();
    expect(session.length).toBe(2);
    expect((await rejectionOf(session.forward(8, 3))).message).toContain('positions follow each other');
    expect(Array.from(await session.forward(9, 2))).toEqual(expected);
  });

  test('by a time-out runs the same position again after a reset, alone and in a batch, with the same logits', async () => {
    await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
    await using model = await loadModel(device, files.model);
    await using straight = model.createSession();
    const all = { logits: 'all' } as const;
    const prompt = Array.from(await straight.forwardBatch([5, 6, 7, 8], 0, all));
    const next = Array.from(await straight.forward(9, 4));

    await using session = model.createSession();
    for (let nth = 1; nth <= JOBS_A_TOKEN; nth++) {
      const retried = async (run: () => Promise<Float32Array>): Promise<number[]> => {
        inject(`submit@${nth}=timeout`);
        expect(await rejectionOf(run())).toMatchObject({ name: 'DeviceError', timedOut: true });
        await device.reset();
        return Array.from(await run());
      };
      expect(await retried(() => session.forwardBatch([5, 6, 7, 8], 0, all))).toEqual(prompt);
      expect(await retried(() => session.forward(9, 4))).toEqual(next);
    }
  });

  test('at a sync says which, and can go on without a reset', async () => {
    {
      await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
      await using model = await loadModel(device, files.model);
      inject('sync@3=EIO');
      const error = await rejectionOf(textOf(model));
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(
        /^cannot sync \d+ bytes of results from the device: .*\(EIO\); no reset is needed/,
      );
      expect(await textOf(model)).toBe(wanted);
    }
    expect(leftBehind()).toEqual(NOTHING);
  });

  test.each(['EINTR', 'EAGAIN'])('only by %s gives the same text as ever', async errno => {
    await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
    await using model = await loadModel(device, files.model);
    inject(`submit@2=${errno},submit@3=${errno},sync@5=${errno}`);
    expect(await textOf(model)).toBe(wanted);
    expect(simulatorStats().faultsInjected).toBe(3n);
  });

  test('by disappearing says so, and its owner can still close everything', async () => {
    const device = await openDevice({ ...place, kind: 'sim', rows: 1 });
    const model = await loadModel(device, files.model);
    inject('gone@5');
    const error = await rejectionOf(textOf(model));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^RKNPU_SUBMIT failed: .*\(ENODEV\): layers\.1\.wqkv with \d+ rows, /);
    // The kernel frees the buffers of a device that has gone by itself: no error to hide the first one.
    await model.close();
    await device.close();
    expect(leftBehind()).toMatchObject({ openFiles: 0n, liveBuffers: 0n, liveMappings: 0n });
  });

  test('within `await using` is told as itself, not as a failure of closing', async () => {
    const error = await rejectionOf(
      (async () => {
        await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
        await using model = await loadModel(device, files.model);
        inject('gone@5');
        await textOf(model);
      })(),
    );
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/^RKNPU_SUBMIT failed/);
  });

  test.each([
    ['computes zeros on a core', 'zero-core=1'],
    ['has a core that writes nothing', 'stale-core=1'],
  ])('silently (%s) gives another text: the tests above can see that', async (_, plan) => {
    await using device = await openDevice({ ...place, kind: 'sim', rows: 1 });
    await using model = await loadModel(device, files.model);
    inject(plan);
    expect(await textOf(model).catch(String)).not.toBe(wanted);
  });
});

describeEverywhere('generate', place => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  beforeAll(async () => {
    simulate();
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
  });
  beforeEach(() => simulate());
  afterAll(() => folder[Symbol.dispose]());

  // "the sea" is several tokens long: 1 and 2 stop within the prompt, the others behind it.
  test.each([1, 2, 8, 10])('aborted at token %i ends within one, with the reason', async stopAt => {
    await using device = await openDevice({ ...place, kind: 'sim' });
    await using model = await loadModel(device, files.model);
    await using session = model.createSession();
    const controller = new AbortController();
    const reason = new Error('enough');
    const prompt = [1, 260, 261, 262, 263];
    const seen: boolean[] = [];
    const error = await rejectionOf(
      (async () => {
        const options = {
          tokenizer: model.tokenizer!,
          sampler: new Sampler({ seed: 3 }),
          prompt,
          signal: controller.signal,
        };
        for await (const { isPrompt } of generate(session, options)) {
          seen.push(isPrompt);
          if (seen.length === stopAt) controller.abort(reason);
        }
      })(),
    );
    expect(error).toBe(reason);
    expect(seen).toHaveLength(stopAt);
    const { submits } = model.counters;
    // The session is good for another text.
    await session.forward(1, 0);
    expect(model.counters.submits).toBe(submits + JOBS_A_TOKEN);
  });

  test('aborted by a timer, as by a signal handler, ends within one token', async () => {
    await using device = await openDevice({ ...place, kind: 'sim' });
    await using model = await loadModel(device, files.model);
    await using session = model.createSession();
    const controller = new AbortController();
    const options = {
      tokenizer: model.tokenizer!,
      sampler: new Sampler({ seed: 3 }),
      signal: controller.signal,
    };
    let seen = 0;
    let atAbort = 0;
    setTimeout(() => {
      atAbort = seen;
      controller.abort(new Error('enough'));
    }, 1);
    const error = await rejectionOf(
      (async () => {
        // Again and again, since a text may end by itself.
        for (;;) for await (const _ of generate(session, options)) seen++;
      })(),
    );
    expect(error.message).toBe('enough');
    expect(seen - atAbort).toBeLessThanOrEqual(1);
  });

  test('aborted before it begins runs nothing', async () => {
    await using device = await openDevice({ ...place, kind: 'sim' });
    await using model = await loadModel(device, files.model);
    await using session = model.createSession();
    const options = {
      tokenizer: model.tokenizer!,
      sampler: new Sampler({ seed: 3 }),
      signal: AbortSignal.abort(new Error('no')),
    };
    expect(await rejectionOf(generate(session, options).next())).toMatchObject({ message: 'no' });
    expect(model.counters.submits).toBe(0);
  });
});
