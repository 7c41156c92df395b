// Builds lib/libnpu_sim.so with the system's C compiler. Plain JavaScript without dependencies: it runs as the
// package's install script, before anything else is built. A compiler that is missing then is not an error; the
// first use of the library builds it again and says what to install.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const nativeDirectory = dirname(fileURLToPath(import.meta.url));
const libraryDirectory = join(nativeDirectory, '..', 'lib');
const flags = [
  ...[
    '-std=c11',
    '-D_GNU_SOURCE',
    '-U_FORTIFY_SOURCE',
    '-O3',
    '-fPIC',
    '-fvisibility=hidden',
    '-pthread',
    '-Wall',
    '-Wextra',
  ],
  ...['-shared', '-Wl,-z,nodelete', '-Wl,--no-undefined'],
];

export class SimulatorBuildError extends Error {
  name = 'SimulatorBuildError';
}

function sourceFiles() {
  return readdirSync(nativeDirectory)
    .filter(name => name.endsWith('.c') || name.endsWith('.h'))
    .sort();
}

/** Names one build: the sources, the flags, the compiler's name and the machine. */
function buildId(compiler, allFlags) {
  const hash = createHash('sha256');
  for (const name of sourceFiles())
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(nativeDirectory, name)));
  hash.update(JSON.stringify([compiler, allFlags, process.arch]));
  return hash.digest('hex').slice(0, 16);
}

/** lib/ of the package; when that is not writable, the user's cache with the build's id in the file name. */
function libraryPath(id) {
  const packaged = join(libraryDirectory, 'libnpu_sim.so');
  try {
    if (existsSync(packaged) && readFileSync(`${packaged}.id`, 'utf8') === id) return packaged;
    mkdirSync(libraryDirectory, { recursive: true });
    accessSync(libraryDirectory, constants.W_OK);
    return packaged;
  } catch {
    return join(cacheDirectory(), `libnpu_sim-${id}.so`);
  }
}

/** A relative XDG_CACHE_HOME is to be ignored (XDG Base Directory Specification). */
function cacheDirectory() {
  const configured = process.env['XDG_CACHE_HOME'];
  const base = configured && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  const cache = join(base, 'npu-llama');
  try {
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK);
    return cache;
  } catch (error) {
    throw new SimulatorBuildError(
      `cannot build the simulated NPU: neither ${libraryDirectory} nor ${cache} can be written (${error.code}). Make one of them writable or name another folder in XDG_CACHE_HOME.`,
      { cause: error },
    );
  }
}

function isCurrent(path, id) {
  return existsSync(path) && existsSync(`${path}.id`) && readFileSync(`${path}.id`, 'utf8') === id;
}

/** `libnpu_sim.so.1234.tmp`: written by that process until it is renamed. */
const TEMPORARY = /^libnpu_sim.*\.(\d+)\.tmp$/;

/** The linker writes a temporary file right before it is renamed. */
const STALE_MS = 60_000;

/**
 * Removes what builds that were killed left behind; not what a build that is running now writes. One in another container, whose
 * process is not to be seen from here, is told by the file's age.
 */
function removeStale(directory) {
  for (const name of readdirSync(directory)) {
    const pid = TEMPORARY.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(directory, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - modified > STALE_MS) rmSync(path, { force: true });
  }
}

/** Also of another user's, whom no signal may be sent to. */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

function compile(compiler, allFlags, path) {
  removeStale(dirname(path));
  const temporary = `${path}.${process.pid}.tmp`;
  const sources = sourceFiles()
    .filter(name => name.endsWith('.c'))
    .map(name => join(nativeDirectory, name));
  const [command, ...compilerArguments] = compiler.split(' ').filter(Boolean);
  const result = spawnSync(
    command,
    [...compilerArguments, ...allFlags, ...sources, '-o', temporary, '-ldl'],
    {
      encoding: 'utf8',
    },
  );
  if (result.status === 0) {
    renameSync(temporary, path);
    return;
  }
  rmSync(temporary, { force: true });
  if (result.error?.code === 'ENOENT')
    throw new SimulatorBuildError(
      `cannot build the simulated NPU: no C compiler "${command}". Install one (Debian, Ubuntu: apt install gcc libc6-dev; Fedora: dnf install gcc) or name one in CC.`,
      { cause: result.error },
    );
  const output = result.error ? result.error.message : `${result.stdout}${result.stderr}`.trim();
  throw new SimulatorBuildError(`cannot build the simulated NPU: ${compiler} failed:\n${output}`);
}

/** Builds the library unless it is there and current; returns its absolute path. */
export function buildLibrary({ warningsAreErrors = process.env['NPU_SIM_WERROR'] === '1' } = {}) {
  const compiler = process.env['CC'] || 'cc';
  const allFlags = warningsAreErrors ? [...flags, '-Werror'] : flags;
  const id = buildId(compiler, flags);
  const path = libraryPath(id);
  if (isCurrent(path, id)) return path;
  compile(compiler, allFlags, path);
  const temporary = `${path}.id.${process.pid}.tmp`;
  writeFileSync(temporary, id);
  renameSync(temporary, `${path}.id`);
  return path;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    buildLibrary();
  } catch (error) {
    if (!(error instanceof SimulatorBuildError)) throw error;
    process.stderr.write(`@npu-llama/simulator: ${error.message}\n`);
  }
}
