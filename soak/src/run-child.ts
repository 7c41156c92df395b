import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildTask } from './child.js';
import type { RunResult } from './runs.js';

/**
 * Runs tasks at the same time, a process each; all begin when the last one is ready.
 * @param onProgress told how far one of them is
 * @throws Error when one of them ends without a result; the others are ended then
 */
export async function runChildren(
  tasks: readonly ChildTask[],
  onProgress: (task: number, done: number) => void = () => {},
): Promise<RunResult[]> {
  const children = tasks.map(start);
  try {
    await Promise.all(children.map(child => messageOf(child, 'ready')));
    const results = children.map(child => messageOf(child, 'result'));
    children.forEach((child, task) => {
      child.on('message', (message: ChildMessage) => {
        if (message.kind === 'progress') onProgress(task, message.done);
      });
      child.send('begin');
    });
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

/** The next message of a kind. @throws Error when the process ends before */
function messageOf<K extends ChildMessage['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<ChildMessage, { kind: K }>> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: ChildMessage) => {
      if (message.kind === kind) resolve(message as Extract<ChildMessage, { kind: K }>);
    });
    child.once('exit', (status, signal) => {
      reject(new Error(`a run ended with ${signal ?? `status ${status}`} before it was ${kind}`));
    });
  });
}
