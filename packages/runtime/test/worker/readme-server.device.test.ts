import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { type ModelFiles, randomModel, TINY } from '../support/models.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

const README = new URL('../../../README.md', import.meta.url);
const RUNTIME = new URL('../../src/index.js', import.meta.url).href;

/** The README's server, on the simulated device, a model of ours and any port, which it sends. */
function serverOf(model: string): string {
  const section = readFileSync(README, 'utf8').split('### In a server\n')[1] ?? '';
  let text = /```ts\n(.*?)```/s.exec(section)?.[1] ?? '';
  for (const [from, to] of [
    ["'@npu-llama/runtime'", JSON.stringify(RUNTIME)],
    ['{ worker: true }', "{ worker: true, kind: 'sim' }"],
    ["'stories110M.npu'", JSON.stringify(model)],
    ['server.listen(8080)', 'server.listen(0, () => process.send(server.address().port))'],
  ] as const) {
    if (!text.includes(from)) throw new Error(`the README's server has no ${from}`);
    text = text.replace(from, to);
  }
  return text;
}

describeDevice("the README's server", () => {
  const folder = new TemporaryFolder();
  const files = {} as ModelFiles;
  let server: ChildProcess;
  let address = '';
  beforeAll(async () => {
    Object.assign(files, await randomModel(folder, 'model', { config: TINY }));
    server = fork(folder.write('server.mjs', serverOf(files.model)), { execArgv: [] });
    const [port] = (await once(server, 'message')) as [number];
    address = `http://127.0.0.1:${port}`;
  });
  afterAll(() => {
    server.kill('SIGKILL');
    folder[Symbol.dispose]();
  });

  test('answers /health while texts are made, goes on when a reader leaves, and ends when asked to', async () => {
    const texts = Array.from({ length: 3 }, () => fetch(`${address}/`).then(answer => answer.text()));
    expect(await (await fetch(`${address}/health`)).text()).toBe('ok\n');
    for (const text of await Promise.all(texts)) expect(text).toEqual(expect.any(String));

    const reader = new AbortController();
    const left = fetch(`${address}/`, { signal: reader.signal }).then(answer => answer.text());
    reader.abort();
    await expect(left).rejects.toThrow();
    expect((await fetch(`${address}/`)).status).toBe(200);

    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
