import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeDevice, describeOneAdapter } from '@npu-llama/fixtures';
import { simulatorLibraryPath } from '@npu-llama/simulator';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { talesModel } from './support/models.js';
import { NPU_SIM, type Outcome, RUN_NPU, type RunSettings, runNode, runNpu } from './support/run-npu.js';

const NPU_DOCTOR = fileURLToPath(new URL('../../../bin/npu-doctor.js', import.meta.url));
const COMPATIBLE = '/proc/device-tree/compatible';
const onBoard = existsSync(COMPATIBLE) && readFileSync(COMPATIBLE, 'latin1').includes('rk3588');

const doctor = (args: readonly string[], settings?: RunSettings): Promise<Outcome> =>
  runNode([NPU_DOCTOR, ...args], settings);
const underNpuSim = (plan: string, ...args: string[]): Promise<Outcome> =>
  runNode([NPU_SIM, '--config', `log=0${plan}`, process.execPath, NPU_DOCTOR, ...args]);

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());
let tales = '';
beforeAll(async () => {
  tales = await talesModel(folder);
});

describeDevice('npu-doctor', () => {
  test('--json is one object, and nothing on stderr', async () => {
    const { status, stdout, stderr } = await doctor(['--device', 'sim', '--json', tales]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const {
      version,
      runtime,
      device,
      simulated,
      status: worst,
      counts,
      checks,
      ...more
    } = JSON.parse(stdout);
    expect({ version, device, simulated, worst, more }).toEqual({
      version: 1,
      device: 'sim',
      simulated: true,
      worst: 'ok',
      more: {},
    });
    expect(runtime).toMatch(/^\d+\.\d+\.\d+$/);
    expect(counts.ok + counts.skipped).toBe(checks.length);
    for (const check of checks) {
      expect(check).toMatchObject({
        id: expect.stringMatching(/^[a-z0-9-]+$/),
        section: expect.any(String),
        title: expect.any(String),
        status: expect.stringMatching(/^(ok|skipped)$/),
        detail: expect.any(String),
      });
    }
  });
});

describeOneAdapter('npu-doctor, whatever the adapter', () => {
  test('text has a line a check, without colours where it is no terminal', async () => {
    const { status, stdout } = await doctor(['--device', 'sim']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}ok {7}core 2 +1 row right, .* GB\/s\); 4 rows right, /m);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/\n\n\d+ ok, 2 skipped \(a simulated device: nothing here is about silicon\)\n$/);
  });

  test('under npu-sim finds the node, as on a board', async () => {
    const { status, stdout } = await underNpuSim('', '--json', tales);
    expect(status).toBe(0);
    const { device, simulated, checks } = JSON.parse(stdout);
    expect({ device, simulated }).toEqual({ device: 'rknpu', simulated: true });
    const details = Object.fromEntries(
      checks.map((check: { id: string; detail: string }) => [check.id, check.detail]),
    );
    expect(details['node']).toContain('/dev/dri/card1, by npu-sim');
    expect(details['memory']).toContain(tales);
  });

  test('a simulated device that cannot be compiled is none whose plan is to be changed', async () => {
    const { status, stdout } = await doctor(['--device', 'sim'], { env: { CC: 'false' } });
    expect(status).toBe(3);
    expect(stdout).toMatch(
      /^ {2}problem {2}FFI adapter koffi +no simulated device: cannot build the simulated NPU/m,
    );
    expect(stdout).not.toContain('NPU_SIM');
  });

  test('a node of npu-sim that does not open is not taken for none', async () => {
    const { status, stdout } = await underNpuSim(',open@1=EIO');
    expect(status).toBe(3);
    expect(stdout).toMatch(
      /the simulated device does not open: open \/dev\/dri\/card1: .*\n +-> change NPU_SIM/,
    );
    expect(stdout).not.toContain('no NPU');
  });

  test('a problem is exit status 3, and a warning is not', async () => {
    expect(await underNpuSim(',dead-core=1')).toMatchObject({
      status: 3,
      stdout: expect.stringMatching(/^ {2}problem {2}core 1 .*does not end in 2000 ms\n +-> change NPU_SIM/m),
    });
    expect(await underNpuSim(',short-heights')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('3 warnings'),
    });
  });

  (onBoard ? test.skip : test)('without an NPU says so (skipped: this is an RK3588)', async () => {
    const { status, stdout, stderr } = await doctor([]);
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    expect(stdout).toContain('problem  kernel driver');
  });

  test('--help cuts no word of what it is for', async () => {
    const { status, stdout } = await doctor(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(
      '\n\nChecks what a board needs to run models on its NPU, and what to do about it.\n',
    );
  });

  describe('wrong usage is exit status 2', () => {
    test.each([
      ['a model that is not there', ['none.npu'], 'no such file or folder'],
      ['two models', ['a.npu', 'b.npu'], 'more than one model named'],
      ['an option twice', ['--device', 'sim', '--device', 'rknpu'], '--device given 2 times'],
      ['an unknown option', ['--frobnicate'], 'frobnicate'],
      ['a path of the simulated device', ['--device', 'sim', '--device-path', '/dev/null'], 'has no path'],
    ])('%s', async (_, args, part) => {
      const { status, stdout, stderr } = await doctor(args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^npu-doctor: .*\n$/);
      expect(stderr).toContain(part);
    });

    test('an FFI adapter that there is not', async () => {
      expect(await doctor([], { env: { NPU_FFI: 'none' } })).toMatchObject({ status: 2, stdout: '' });
    });

    test.each([
      ['--device sim', ['--device', 'sim'], {}],
      ['the library preloaded by hand', [], { LD_PRELOAD: simulatorLibraryPath() }],
    ])('a plan that cannot be simulated, with %s', async (_, args, env) => {
      const { status, stdout, stderr } = await doctor(['--json', ...args], {
        env: { NPU_SIM: 'cores=9', ...env },
      });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^npu-sim: bad plan item "cores=9": wanted 1 to 3$/m);
      expect(stderr).toMatch(/^npu-doctor: cannot simulate what NPU_SIM says: got "cores=9"/m);
    });
  });

  describe("run-npu's device errors point to it, and to the same device", () => {
    const plan = 'log=0,dead-core=1';
    test.each([
      ['simulated', [RUN_NPU], [], ' --device sim'],
      ['chosen by --device and --ffi', [RUN_NPU], ['--ffi', 'koffi'], ' --device sim --ffi koffi'],
    ])('%s', async (_, command, args, wanted) => {
      const { status, stderr } = await runNode([...command, tales, '--device', 'sim', '-n', '1', ...args], {
        env: { NPU_SIM: plan },
      });
      expect(status).toBe(3);
      const hint = `; to look into it: NPU_SIM=${plan} npu-doctor ${tales}${wanted}\n`;
      expect(stderr.slice(-hint.length)).toBe(hint);
    });

    test('behind a node under npu-sim', async () => {
      const node = '/dev/dri/card9';
      const { status, stderr } = await runNode([
        ...[NPU_SIM, '--config', plan, '--node', node, process.execPath],
        ...[RUN_NPU, tales, '--device-path', node],
      ]);
      expect(status).toBe(3);
      const hint = `; to look into it: NPU_SIM=${plan},node=${node} npu-sim npu-doctor ${tales} --device-path ${node}\n`;
      expect(stderr.slice(-hint.length)).toBe(hint);
    });

    (onBoard ? test.skip : test)('taken for want of an NPU (skipped: this is an RK3588)', async () => {
      const { status, stderr } = await runNpu([tales, '-n', '1'], { env: { NPU_SIM: plan } });
      expect(status).toBe(3);
      expect(stderr).toContain(`npu-doctor ${tales} --device sim\n`);
    });
  });
});
