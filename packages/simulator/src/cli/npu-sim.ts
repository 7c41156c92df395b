import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';

import { inspect } from 'node:util';
import { SimulatorBuildError, simulatorLibraryPath } from '../library.js';
import { parseArguments, type RunRequest } from './arguments.js';
import { PreloadablePath } from './preloadable-path.js';

const HELP = `npu-sim [--stats] [--config PLAN] [--node PATH] [--] program [arguments]

Runs a program that opens the NPU's device node (/dev/dri/card1) on a simulated
RK3588 NPU.

  --stats        print the device's counters to stderr when the program ends
  --config PLAN  what is simulated and what goes wrong, such as
                 cores=1,cma=64M,submit@3=timeout (README: configuration);
                 added to NPU_SIM
  --node PATH    the device node to answer for, instead of /dev/dri/card1
  --help         this text

Exit status: the program's; 128 + signal when a signal ended it; 2 for wrong
usage or a bad plan; 3 when the simulated device cannot be built; 70 for a bug;
126 or 127 when the program cannot be started.
`;

const USAGE_ERROR = 2;
const BUILD_ERROR = 3;
/** As in every command: node's own, 1, would be taken for the program's. */
const INTERNAL_ERROR = 70;
/** NPU_SIM_BAD_PLAN of native/config.h. */
const BAD_PLAN = 2;
/** Signals that the program is to end by, in its own way. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs the command line; resolves to the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await runRequest(argv);
  } catch (error) {
    process.stderr.write(
      `${inspect(error)}\nnpu-sim: that was unexpected, a bug: please report it with the lines above\n`,
    );
    return INTERNAL_ERROR;
  }
}

async function runRequest(argv: readonly string[]): Promise<number> {
  const request = parseArguments(argv);
  switch (request.kind) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'usage-error':
      process.stderr.write(`npu-sim: ${request.message}\n\n${HELP}`);
      return USAGE_ERROR;
    case 'run':
      return run(request);
  }
}

async function run(request: RunRequest): Promise<number> {
  let library: string;
  try {
    library = simulatorLibraryPath();
  } catch (error) {
    if (!(error instanceof SimulatorBuildError)) throw error;
    process.stderr.write(`npu-sim: ${error.message}\n`);
    return BUILD_ERROR;
  }
  // Handlers first: a signal that comes while the program is being started reaches it too, and no link is left behind.
  let child: ReturnType<typeof spawn> | undefined;
  const forward = (signal: NodeJS.Signals) => child?.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    using preloadable = new PreloadablePath(library);
    if (!isPlanGood(request, preloadable.path)) return USAGE_ERROR;
    child = spawn(request.program, request.programArguments, {
      stdio: 'inherit',
      env: environment(request, preloadable.path),
    });
    return await exitStatus(child, request.program);
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

/**
 * Asks the library before the program runs, which may not open the device soon, or go on without it. The library names the
 * bad item on stderr. (The process ends while it is loaded; node, since that is sure to be there.)
 */
function isPlanGood(request: RunRequest, library: string): boolean {
  const env = { ...environment(request, library), LD_PRELOAD: library, NPU_SIM_CHECK: '1' };
  const { status } = spawnSync(process.execPath, ['--version'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
  return status !== BAD_PLAN;
}

function environment(request: RunRequest, library: string): NodeJS.ProcessEnv {
  const env = { ...process.env };
  const preload = [process.env['LD_PRELOAD'], library].filter(Boolean);
  const plan = [process.env['NPU_SIM'], ...request.plan].filter(Boolean);
  env['LD_PRELOAD'] = preload.join(':');
  if (plan.length > 0) env['NPU_SIM'] = plan.join(',');
  if (request.stats) env['NPU_SIM_STATS'] = '1';
  return env;
}

function exitStatus(child: ReturnType<typeof spawn>, program: string): Promise<number> {
  return new Promise(resolve => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      process.stderr.write(`npu-sim: cannot run ${program}: ${error.message}\n`);
      resolve(error.code === 'ENOENT' ? 127 : 126);
    });
    child.once('exit', (status, signal) => resolve(status ?? 128 + constants.signals[signal ?? 'SIGTERM']));
  });
}
