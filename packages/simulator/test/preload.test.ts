import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PreloadablePath } from '../src/cli/preloadable-path.js';
import { simulatorLibraryPath } from '../src/index.js';

const cli = fileURLToPath(new URL('../../bin/npu-sim.js', import.meta.url));
const packageFolder = fileURLToPath(new URL('../..', import.meta.url));
const clientSource = fileURLToPath(new URL('../../test/client/matmul.c', import.meta.url));
let directory: string;
let client: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'npu-sim-test-'));
  client = join(directory, 'matmul');
  const built = spawnSync(
    process.env['CC'] || 'cc',
    ['-Wall', '-Wextra', '-Werror', clientSource, '-o', client],
    { encoding: 'utf8' },
  );
  expect(built.stderr).toBe('');
});
afterAll(() => rmSync(directory, { recursive: true }));

function npuSim(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  return { status, stdout, stderr };
}

describe('npu-sim', () => {
  test('gives an unmodified C program the device', () => {
    expect(npuSim([client])).toEqual({ status: 0, stdout: '0 of 192 results wrong\n', stderr: '' });
  });

  test('without it the program finds no device', () => {
    expect(spawnSync(client, ['/dev/dri/card77']).status).toBe(1);
  });

  test('works from an install path that LD_PRELOAD cannot hold, and leaves no link behind', () => {
    const library = simulatorLibraryPath();
    using link = new PreloadablePath(library);
    expect(link.path).toBe(library);
    const folder = mkdtempSync(join(tmpdir(), 'with space:and colon '));
    try {
      const copy = join(folder, 'libnpu_sim.so');
      copyFileSync(library, copy);
      let path: string;
      {
        using preloadable = new PreloadablePath(copy);
        ({ path } = preloadable);
        expect(path).not.toMatch(/[\s:]/);
        expect(spawnSync(client, { env: { ...process.env, LD_PRELOAD: path } }).status).toBe(0);
      }
      expect(existsSync(path)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('--stats prints the counters when the program ends', () => {
    const { status, stderr } = npuSim(['--stats', '--', client]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^npu-sim: counters of process \d+$/m);
    expect(stderr).toMatch(/^npu-sim: {3}macs +12288$/m);
    expect(stderr).toMatch(/^npu-sim: {3}leaked_buffers +0$/m);
  });

  test('--node answers for another path, and only for that', () => {
    expect(npuSim(['--node', '/dev/dri/card9', client, '/dev/dri/card9']).status).toBe(0);
    expect(npuSim(['--node=/dev/dri/card9', client, '/dev/dri/card1']).status).toBe(1);
  });

  test('--config and NPU_SIM plan faults, each one line on stderr', () => {
    const { status, stderr } = npuSim(['--config', 'alloc@2=ENOMEM', client], { NPU_SIM: 'cores=1' });
    expect(status).toBe(1);
    expect(stderr).toBe(
      'npu-sim: injected fault: alloc 2 fails with Cannot allocate memory\nclient: MEM_CREATE: Cannot allocate memory\n',
    );
  });

  test('a refusal is one line on stderr', () => {
    const { stderr } = npuSim(['--config', 'cma=4K', client]);
    expect(stderr.split('\n')[0]).toBe(
      'npu-sim: refused: cma: MEM_CREATE of 8192 bytes: 4096 of 4096 bytes of contiguous memory (CMA) are in use',
    );
  });

  test.each([
    ['--config', ['--config', 'log=0,cores=9'], {}],
    ['NPU_SIM', ['--config', 'cma=4M'], { NPU_SIM: 'log=0,cores=9' }],
  ])('a bad plan in %s is named, and the program is not started', (_, args, env) => {
    expect(npuSim([...args, 'sh', '-c', 'echo started'], env)).toEqual({
      status: 2,
      stdout: '',
      stderr: 'npu-sim: bad plan item "cores=9": wanted 1 to 3\n',
    });
  });

  test('a program with the library preloaded by hand finds no device where the plan is bad', () => {
    const env = { ...process.env, LD_PRELOAD: simulatorLibraryPath(), NPU_SIM: 'cores=9' };
    const { status, stderr } = spawnSync(client, { encoding: 'utf8', env });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        /^npu-sim: bad plan item "cores=9": wanted 1 to 3\nclient: .*Bad message\n$/,
      ),
    });
  });

  test("stops at the program's name: its options are its own", () => {
    expect(npuSim(['sh', '-c', 'echo "$0 $1"', '--stats', '--help']).stdout).toBe('--stats --help\n');
  });

  test('keeps a LD_PRELOAD that is there', () => {
    expect(npuSim(['sh', '-c', 'echo "$LD_PRELOAD"'], { LD_PRELOAD: '' }).stdout).toMatch(
      /^\/.*libnpu_sim.*\.so\n$/,
    );
    const { stdout } = npuSim(['sh', '-c', 'echo "$LD_PRELOAD"'], { LD_PRELOAD: 'libm.so.6' });
    expect(stdout).toMatch(/^libm\.so\.6:\/.*libnpu_sim.*\.so\n$/);
  });

  test.each([
    ['the program', ['sh', '-c', 'exit 7'], 7],
    ['a signal', ['sh', '-c', 'kill -9 $$'], 137],
    ['a missing program', ['./no-such-program'], 127],
    ['no program', [], 2],
    ['an unknown option', ['--verbose', 'true'], 2],
    ['an option without its value', ['--config'], 2],
    ['--help', ['--help'], 0],
  ])('exits with the status of %s', (_, args, status) => {
    expect(npuSim(args).status).toBe(status);
  });

  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('forwards %s to the program, and its link is gone afterwards', async (signal, status) => {
    // The library where LD_PRELOAD cannot hold its path, so that there is a link.
    const folder = mkdtempSync(join(directory, 'with space '));
    const temporary = mkdtempSync(join(directory, 'tmp-'));
    const copied = join(folder, 'simulator');
    cpSync(packageFolder, copied, { recursive: true, filter: path => !path.includes('node_modules') });
    const child = spawn(
      process.execPath,
      [join(copied, 'bin', 'npu-sim.js'), 'sh', '-c', 'echo "$LD_PRELOAD"; exec sleep 30'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '', LD_PRELOAD: '', TMPDIR: temporary },
      },
    );
    const link = await new Promise<string>(resolve =>
      child.stdout.once('data', text => resolve(`${text}`.trim())),
    );
    expect(link.startsWith(join(temporary, 'npu-sim-'))).toBe(true);
    expect(existsSync(link)).toBe(true);
    child.kill(signal);
    expect(await new Promise(resolve => child.once('exit', resolve))).toBe(status);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('other programs are not disturbed', () => {
    const { status, stdout } = npuSim([
      process.execPath,
      '-e',
      'console.log(require("fs").readFileSync("/dev/null").length)',
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '0\n' });
  });
});
