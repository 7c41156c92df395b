import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findPnpm } from './support/pnpm.js';
import { run } from './support/run.js';

// dist/test -> the repository
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PACKAGES = ['converter', 'format', 'runtime', 'simulator', 'verify'] as const;
const COMMANDS = {
  'convert-weights': 'converter',
  'npu-doctor': 'runtime',
  'npu-sim': 'simulator',
  'run-npu': 'runtime',
  'verify-npu': 'verify',
} as const;

const folder = mkdtempSync(join(tmpdir(), 'npu-llama-packaging-'));
const packed = join(folder, 'packed');
const installed = join(folder, 'installed');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tarball = (name: string): string => {
  const file = readdirSync(packed).find(candidate => candidate.startsWith(`npu-llama-${name}-`));
  if (file === undefined) throw new Error(`no tarball of ${name}: ${readdirSync(packed)}`);
  return join(packed, file);
};

beforeAll(() => {
  mkdirSync(packed);
  const [pnpm, ...args] = findPnpm();
  const packages = ['--recursive', '--filter', './packages/*'];
  run(ROOT, pnpm, [...args, ...packages, 'pack', '--pack-destination', packed]);
});

/** Paths below a folder, with `/` between their parts. */
function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(path, join(entry.parentPath, entry.name)));
}

describe.each(PACKAGES)('the tarball of %s', name => {
  interface Entry {
    readonly path: string;
    readonly executable: boolean;
  }
  let entries: Entry[];
  let paths: string[];
  const source = join(ROOT, 'packages', name);
  beforeAll(() => {
    // -rwxr-xr-x 0/0  1234 1985-10-26 10:15 package/bin/run-npu.js
    const lines = run(folder, 'tar', ['-tvzf', tarball(name)])
      .trimEnd()
      .split('\n');
    entries = lines.map(line => ({
      path: line.slice(line.indexOf(' package/') + ' package/'.length),
      executable: line[3] === 'x',
    }));
    paths = entries.map(({ path }) => path);
  });

  test('has README, LICENSE, and nothing that is not for its users', () => {
    expect(paths).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']));
    const wanted = [
      /^(package\.json|README\.md|LICENSE)$/,
      /^bin\/[a-z-]+\.js$/,
      /^dist\/src\/.+\.(js|js\.map|d\.ts|d\.ts\.map|wasm)$/,
      /^src\/.+\.ts$/,
      ...(name === 'simulator' ? [/^native\/[a-z0-9_-]+\.(c|h|mjs|d\.mts)$/] : []),
    ];
    expect(paths.filter(path => !wanted.some(pattern => pattern.test(path)))).toEqual([]);
    expect(paths.filter(path => /(^|\/)tests?\/|\.test\.|tsbuildinfo/.test(path))).toEqual([]);
  });

  test('has every source compiled, with its types', () => {
    const sources = filesBelow(join(source, 'src')).filter(path => path.endsWith('.ts'));
    expect(sources.length).toBeGreaterThan(3);
    const compiled = sources.flatMap(path => [path.replace(/ts$/, 'js'), path.replace(/ts$/, 'd.ts')]);
    expect(compiled.filter(path => !paths.includes(`dist/src/${path}`))).toEqual([]);
  });

  test('has the files that package.json names, and the commands are executable', () => {
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    const exported = Object.values<Record<string, string>>(manifest.exports).flatMap(one =>
      Object.values(one),
    );
    const imported = Object.values<Record<string, string>>(manifest.imports ?? {}).flatMap(one =>
      Object.values(one),
    );
    const commands = Object.values<string>(manifest.bin ?? {});
    const inside = (path: string): string => path.replace(/^\.\//, '');
    expect([...exported, ...imported, ...commands].map(inside).filter(path => !paths.includes(path))).toEqual(
      [],
    );
    const executable = entries.filter(entry => entry.executable).map(({ path }) => path);
    expect(executable).toEqual(expect.arrayContaining(commands.map(inside)));
    const own = Object.entries(COMMANDS).filter(([, owner]) => owner === name);
    if (own.length > 0) {
      expect(manifest.bin).toEqual(
        Object.fromEntries(own.map(([command]) => [command, `./bin/${command}.js`])),
      );
    }
  });

  test('names versions where the workspace names itself', () => {
    const text = run(folder, 'tar', ['-xzOf', tarball(name), 'package/package.json']);
    expect(text).not.toContain('workspace:');
    const { dependencies } = JSON.parse(text);
    const ours = Object.entries<string>(dependencies ?? {}).filter(([dependency]) =>
      dependency.startsWith('@npu-llama/'),
    );
    for (const [, version] of ours) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Object.keys(dependencies ?? {})).not.toContain('@npu-llama/fixtures');
  });

  if (name === 'simulator') {
    test('has every native source, so that it can be built where it is installed', () => {
      const native = filesBelow(join(source, 'native')).map(path => `native/${path}`);
      expect(native.filter(path => !paths.includes(path))).toEqual([]);
      expect(native.filter(path => path.endsWith('.c')).length).toBeGreaterThan(5);
    });
  }
});

describe('installed outside the workspace', () => {
  beforeAll(() => {
    mkdirSync(installed);
    const names = PACKAGES.map(name => `@npu-llama/${name}`);
    const manifest = {
      private: true,
      type: 'module',
      dependencies: Object.fromEntries(PACKAGES.map((name, i) => [names[i]!, `file:${tarball(name)}`])),
      // Also where they depend on each other, so that none of ours is looked up in the registry.
      overrides: Object.fromEntries(names.map(name => [name, `$${name}`])),
    };
    writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
    // Without scripts: one of them would compile ffi-napi, which takes long and is optional. Then ours alone.
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
    run(installed, 'npm', ['install', '--prefer-offline', '--ignore-scripts', ...quiet]);
    run(installed, 'npm', ['rebuild', '@npu-llama/simulator', ...quiet]);
    for (const file of ['tales.bin', 'tokenizer.bin']) {
      copyFileSync(join(ROOT, 'fixtures/tales', file), join(installed, file));
    }
    for (const file of ['library.mjs', 'library.ts']) {
      copyFileSync(join(ROOT, 'test/consumer', file), join(installed, file));
    }
    const converted = command('convert-weights', 'tales.bin', '-z', 'tokenizer.bin', '-o', 'tales.npu');
    expect(converted).toContain('tales.npu: ');
  });

  const command = (name: keyof typeof COMMANDS, ...args: string[]): string =>
    run(installed, join(installed, 'node_modules/.bin', name), args);
  const story = ['-t', '0', '-n', '40'];

  test('nothing of ours comes from elsewhere, and nothing is there twice', () => {
    const lock = JSON.parse(readFileSync(join(installed, 'package-lock.json'), 'utf8'));
    const ours = Object.entries<{ resolved: string }>(lock.packages).filter(([path]) =>
      path.includes('@npu-llama/'),
    );
    expect(ours.map(([path]) => path)).toEqual(PACKAGES.map(name => `node_modules/@npu-llama/${name}`));
    for (const [, { resolved }] of ours) expect(resolved).toMatch(/^file:/);
  });

  test('the install script built the simulated device', () => {
    expect(existsSync(join(installed, 'node_modules/@npu-llama/simulator/lib/libnpu_sim.so'))).toBe(true);
  });

  test('convert-weights made the model that it makes in the workspace', () => {
    const target = join(folder, 'workspace.npu');
    const script = join(ROOT, 'packages/converter/bin/convert-weights.js');
    const args = [join(installed, 'tales.bin'), '-z', join(installed, 'tokenizer.bin'), '-o', target];
    run(folder, process.execPath, [script, ...args]);
    expect(readFileSync(join(installed, 'tales.npu')).equals(readFileSync(target))).toBe(true);
  });

  test('run-npu tells a story', () => {
    expect(command('run-npu', 'tales.npu', '--device', 'sim', ...story)).toMatch(/^[A-Z][\s\S]{30,}\n$/);
  });

  test('npu-sim gives it an NPU', () => {
    const bin = join(installed, 'node_modules/.bin/run-npu');
    const text = command('npu-sim', bin, 'tales.npu', '--device', 'rknpu', ...story);
    expect(text).toBe(command('run-npu', 'tales.npu', '--device', 'sim', ...story));
  });

  test('verify-npu finds the simulated NPU right', () => {
    const args = ['tales.npu', '--reference', 'tales.bin', '--device', 'sim', '-n', '16'];
    expect(() => command('verify-npu', ...args)).not.toThrow();
  });

  test('every command answers --help and --version', () => {
    for (const name of Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]) {
      expect(command(name, '--help')).toContain(name);
      if (name !== 'npu-sim') expect(command(name, '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  test('a plain program imports and uses every package', () => {
    const output = JSON.parse(
      run(installed, process.execPath, ['library.mjs', 'tales.bin', 'tokenizer.bin']),
    );
    expect(output).toEqual({
      dim: 96,
      text: command('run-npu', 'tales.npu', '--device', 'sim', ...story).slice(0, -1),
      library: join(installed, 'node_modules/@npu-llama/simulator/lib/libnpu_sim.so'),
      ROWS_PER_GROUP: 16,
      verify: expect.any(Number),
    });
    expect(output.verify).toBeGreaterThan(3);
  });

  test("a TypeScript program type-checks, the packages' declarations included", () => {
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable'],
      noEmit: true,
      skipLibCheck: false,
      // Only the types of Node come from this repository: what a TypeScript user of Node has anyway.
      typeRoots: [join(ROOT, 'node_modules/@types')],
      types: ['node'],
    };
    const project = { compilerOptions, files: ['library.ts'] };
    writeFileSync(join(installed, 'tsconfig.json'), JSON.stringify(project));
    run(installed, process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', installed]);
  });
});
