import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Ended {
  /** Undefined where a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** On a terminal both are one and stand here. */
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
  /** Whether it was killed in the end, since it went on and on. */
  readonly hung: boolean;
}

/** No command here takes a tenth of it. */
const LONGEST_MS = 60_000;

export interface RunOptions {
  /** What is typed; nothing, and the end of it, by default. */
  readonly typed?: string | undefined;
  /** Whether stdin stays open behind that. */
  readonly staysOpen?: boolean;
  /** A folder for a run on a terminal, which util-linux's `script` gives it. */
  readonly terminalIn?: string | undefined;
  /** Told once the process is there. */
  readonly onStart?: (pid: number) => void;
}

/** A simulated device that tells, when its process ends, whether anything was left on it; and says nothing else. */
const ENVIRONMENT = { NPU_SIM_STATS: '1' } as const;

/** Runs node with `args` to its end. */
export async function runToEnd(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const started = performance.now();
  const { NPU_SIM: _plan, NPU_TRACE: _trace, NPU_DUMP: _dump, ...inherited } = process.env;
  const env = { ...inherited, ...ENVIRONMENT };
  const { terminalIn } = options;
  const child =
    terminalIn === undefined
      ? spawn(process.execPath, args, { env })
      : spawnOnTerminal(args, terminalIn, env, options.onStart);
  if (terminalIn === undefined && child.pid !== undefined) options.onStart?.(child.pid);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', text => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', text => (stderr += text));
  // It may have gone before everything was typed.
  child.stdin!.on('error', () => {}).write(options.typed ?? '');
  if (options.staysOpen !== true) child.stdin!.end();
  let hung = false;
  const limit = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, LONGEST_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(limit);
      const milliseconds = performance.now() - started;
      resolve({
        status: status ?? undefined,
        signal: signal ?? undefined,
        stdout,
        stderr,
        milliseconds,
        hung,
      });
    });
  });
}

/** `script` passes the status on (128 + signal where one ended it), but no signals: those go to the process itself. */
function spawnOnTerminal(
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
  onStart: ((pid: number) => void) | undefined,
): ChildProcess {
  const launcher = join(folder, 'launch.sh');
  const pidFile = join(folder, 'pid');
  const quoted = [process.execPath, ...args].map(
    argument => `'${argument.replaceAll("'", String.raw`'\''`)}'`,
  );
  writeFileSync(
    launcher,
    `echo $$ > '${pidFile}.tmp' && mv '${pidFile}.tmp' '${pidFile}'\nexec ${quoted.join(' ')}\n`,
  );
  const child = spawn('script', ['-qec', `sh '${launcher}'`, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
  });
  const poll = setInterval(() => {
    const pid = readPid(pidFile);
    if (pid === undefined) return;
    clearInterval(poll);
    onStart?.(pid);
  }, 1);
  child.once('close', () => {
    clearInterval(poll);
    rmSync(launcher, { force: true });
    rmSync(pidFile, { force: true });
  });
  return child;
}

function readPid(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether there is a `script` to run commands on a terminal. */
export function hasTerminals(): boolean {
  return spawnSync('script', ['--version']).status === 0;
}
