import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildTask } from './child.js';
import type { Finding, TargetResult } from './run-target.js';

/** Without a sign of life for so long, a reader hangs: 50 inputs take some ten milliseconds. */
const HANG_MS = 30_000;

export interface ChildResult extends TargetResult {
  /** Of the process's memory over what it had before the first input; undefined where it did not end well. */
  readonly peakGrowthBytes: number | undefined;
}

/** Runs a target in a process of its own. A crash or a hang of it is a finding: of the 50 inputs after the last sign of life. */
export function runChild(task: ChildTask, onInput: (input: number) => void): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    let last = task.first;
    let result: ChildResult | undefined;
    let errors = '';
    let hung = false;
    let timer: NodeJS.Timeout | undefined;
    const watch = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, HANG_MS);
    };
    watch();
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000);
    });
    child.on('message', (message: ChildMessage) => {
      watch();
      if (message.kind === 'input') {
        last = message.input;
        onInput(last);
      } else {
        result = { ...message.result, peakGrowthBytes: message.peakGrowthBytes };
      }
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (result !== undefined) resolve(result);
      else resolve(died(task, last, hung ? 'hung' : `ended with ${signal ?? `status ${status}`}`, errors));
    });
  });
}

function died({ target, seed, first }: ChildTask, last: number, what: string, errors: string): ChildResult {
  const finding: Finding = {
    target,
    seed,
    input: last,
    error: `${what} at input ${last} or one of the next 49\n${errors}`,
  };
  const inputs = last - first;
  return {
    target,
    inputs,
    accepted: 0,
    refused: inputs,
    slowestMs: 0,
    slowestInput: last,
    findings: [finding],
    peakGrowthBytes: undefined,
  };
}
