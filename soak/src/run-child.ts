import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildTask } from './child.js';
import type { RunResult } from './runs.js';

/**
 * Runs tasks at the same time, a process each; all begin when the last one is ready.
 * @throws Error when one of them ends without a result; the others are ended then
 */
export async function runChildren(tasks: readonly ChildTask[]): Promise<RunResult[]> {
  const children = tasks.map(start);
  try {
    await Promise.all(children.map(child => messageOf(child, 'ready')));
    const results = children.map(child => messageOf(child, 'result'));
    for (const child of children) child.send('begin');
    return (await Promise.all(results)).map(({ result }) => result);
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

function start(task: ChildTask): ChildProcess {
  const script = fileURLToPath(new URL('./child.js', import.meta.url));
  // Its own options, not those of who runs it (jest's, say).
  const env = task.plan === undefined ? process.env : { ...process.env, NPU_SIM: task.plan };
  return fork(script, [JSON.stringify(task)], { execArgv: ['--expose-gc'], env });
}

async function messageOf<K extends ChildMessage['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<ChildMessage, { kind: K }>> {
  const ended = new AbortController();
  try {
    const exit = once(child, 'exit', { signal: ended.signal }).then(([status, signal]) => {
      throw new Error(`a run ended with ${signal ?? `status ${status}`} before it was ${kind}`);
    });
    const message = once(child, 'message', { signal: ended.signal }) as Promise<[ChildMessage]>;
    const [first] = await Promise.race([message, exit]);
    if (first.kind !== kind) throw new Error(`a run said ${first.kind}, wanted ${kind}`);
    return first as Extract<ChildMessage, { kind: K }>;
  } finally {
    ended.abort();
  }
}
