import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { OutputFile } from '../src/index.js';
import { messageOf, temporaryFolder } from './support.js';

const folder = temporaryFolder();
let count = 0;

/** A name in a folder of its own, so that whatever is left behind shows. */
function target(): string {
  const path = folder.path(`${count++}`);
  mkdirSync(path);
  return `${path}/out`;
}

const filesBeside = (path: string): string[] => readdirSync(dirname(path));

describe('OutputFile', () => {
  test('has no name until it is committed, and all of it then', async () => {
    const path = target();
    using file = OutputFile.create(path, 'refuse');
    file.write(Buffer.from('def'), 3);
    expect(filesBeside(path)).toEqual([expect.stringMatching(/^\.out\.\d+\.[0-9a-f]{8}\.tmp$/)]);
    file.write(Buffer.from('abc'), 0);
    await file.sync();
    file.commit();
    expect(filesBeside(path)).toEqual(['out']);
    expect(readFileSync(path, 'utf8')).toBe('abcdef');
  });

  test('leaves nothing behind when it is closed without a commit, and the older file alone', () => {
    const path = target();
    writeFileSync(path, 'older');
    {
      using file = OutputFile.create(path, 'replace');
      file.write(Buffer.from('newer'), 0);
    }
    expect(filesBeside(path)).toEqual(['out']);
    expect(readFileSync(path, 'utf8')).toBe('older');
  });

  test.each([0o600, 0o640, 0o666])(
    'who may read the older file (mode %o), and nobody else, may read the new one',
    mode => {
      const path = target();
      writeFileSync(path, 'older');
      chmodSync(path, mode);
      using file = OutputFile.create(path, 'replace');
      const modes = (): number[] =>
        filesBeside(path).map(name => statSync(`${dirname(path)}/${name}`).mode & 0o777);
      expect(modes()).toEqual([mode, mode]);
      file.commit();
      expect(modes()).toEqual([mode]);
    },
  );

  test.each(['/', '/.', '/..'])(
    'refuses a name that ends like a folder (%s) before anything is written',
    end => {
      const path = target();
      expect(messageOf(() => OutputFile.create(`${path}${end}`, 'refuse'))).toBe(
        `${path}${end}: is a folder; name the file to write`,
      );
      expect(filesBeside(path)).toEqual([]);
    },
  );

  test('replaces an older file only when told to', () => {
    const path = target();
    writeFileSync(path, 'older');
    expect(messageOf(() => OutputFile.create(path, 'refuse'))).toBe(
      `${path}: exists already; choose another name, or replace it with --force`,
    );
    using file = OutputFile.create(path, 'replace');
    file.commit();
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  test('does not replace a file that appeared meanwhile', () => {
    const path = target();
    const file = OutputFile.create(path, 'refuse');
    writeFileSync(path, 'somebody else');
    expect(messageOf(() => file.commit())).toContain('exists already');
    expect(filesBeside(path)).toEqual(['out']);
    expect(readFileSync(path, 'utf8')).toBe('somebody else');
  });

  test('writes to where a symbolic link leads, and keeps the link', () => {
    const path = target();
    writeFileSync(`${path}-real`, 'older');
    symlinkSync('out-real', path);
    using file = OutputFile.create(path, 'replace');
    file.write(Buffer.from('newer'), 0);
    file.commit();
    expect(readlinkSync(path)).toBe('out-real');
    expect(readFileSync(`${path}-real`, 'utf8')).toBe('newer');
  });

  test('gives a hard-linked name a file of its own', () => {
    const path = target();
    writeFileSync(path, 'older');
    linkSync(path, `${path}-other`);
    using file = OutputFile.create(path, 'replace');
    file.commit();
    expect(readFileSync(`${path}-other`, 'utf8')).toBe('older');
  });

  test.each<[what: string, prepare: (path: string) => unknown, name: string, message: string]>([
    ['a folder', mkdirSync, '', 'is a folder; name the file to write'],
    ['a link to nothing', path => symlinkSync('nowhere', path), '', 'is a symbolic link to nothing'],
    [
      'a missing folder',
      () => {},
      '/none/x',
      'cannot create a file beside it: no such file or folder (ENOENT)',
    ],
    [
      'a name below a file',
      path => writeFileSync(path, ''),
      '/x',
      'a part of the path is not a folder (ENOTDIR)',
    ],
    ['a link to itself', path => symlinkSync('out', path), '', 'its symbolic links go in a circle (ELOOP)'],
    [
      'two links to each other',
      path => {
        symlinkSync('out', `${path}2`);
        symlinkSync('out2', path);
      },
      '2',
      'its symbolic links go in a circle (ELOOP)',
    ],
    ['a link to a folder', path => symlinkSync('.', path), '', 'is a folder; name the file to write'],
  ])('refuses %s', (_, prepare, name, message) => {
    const path = target();
    prepare(path);
    const got = messageOf(() => OutputFile.create(path + name, 'replace'));
    expect(got.startsWith(`${path}${name}: `)).toBe(true);
    expect(got).toContain(message);
  });

  /** As a user that is not root, to whom permissions matter. */
  const asAnother = (path: string): string => {
    const code = `import { OutputFile } from '${new URL('../src/index.js', import.meta.url)}';
      try { OutputFile.create('${path}', 'replace').commit(); } catch (error) { console.log(error.message); }`;
    const node = [process.execPath, '--input-type=module', '-e', code];
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', ...node];
    const { stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', cwd: '/' });
    return stdout + stderr;
  };
  test.each<[what: string, prepare: (path: string) => unknown, message: string]>([
    [
      "in another user's folder",
      () => {},
      'cannot create a file beside it: permission denied (EACCES); check the permissions of the file and its folder',
    ],
    [
      'that is write-protected',
      path => {
        chmodSync(dirname(path), 0o777);
        writeFileSync(path, 'older', { mode: 0o444 });
      },
      'cannot replace: permission denied (EACCES); check the permissions of the file and its folder',
    ],
    [
      "that is another user's, in a folder like /tmp",
      path => {
        writeFileSync(path, 'older');
        chmodSync(path, 0o666);
        chmodSync(dirname(path), 0o1777);
        chownSync(dirname(path), 1, 1);
      },
      "is another user's, in a folder where only owners may replace (sticky); choose another name or folder",
    ],
  ])('refuses a file %s, before anything is written', (what, prepare, message) => {
    if (process.geteuid?.() !== 0) {
      process.stderr.write(`skipped: a file ${what}: only root can be another user\n`);
      return;
    }
    const path = target();
    chmodSync(dirname(dirname(path)), 0o755);
    prepare(path);
    const before = filesBeside(path);
    expect(asAnother(path)).toBe(`${path}: ${message}\n`);
    expect(filesBeside(path)).toEqual(before);
  });

  test('refuses a device', () =>
    expect(messageOf(() => OutputFile.create('/dev/full', 'replace'))).toContain('is not a regular file'));

  test('cannot be used once it is closed', async () => {
    const file = OutputFile.create(target(), 'refuse');
    file.close();
    await expect(file.sync()).rejects.toThrow('used after close');
    expect(messageOf(() => file.write(Buffer.from('x'), 0))).toContain('used after close');
  });
});
