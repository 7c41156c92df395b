import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from '@jest/globals';
import { findLeftovers, OutputFile } from '../src/index.js';
import { temporaryPath } from '../src/temporary-file.js';
import { temporaryFolder } from './support.js';

const folder = temporaryFolder();
let count = 0;
function newFolder(): string {
  const path = folder.path(`t${count++}`);
  mkdirSync(path);
  return path;
}

/** The id of a process that has ended. */
const gone = spawnSync(process.execPath, ['-e', '']).pid;

test('a temporary file is named after its target and its process', () => {
  expect(temporaryPath('/a/m.npu')).toMatch(
    new RegExp(`^/a/\\.m\\.npu\\.${process.pid}\\.[0-9a-f]{8}\\.tmp$`),
  );
});

test.each([
  ['x'.repeat(255), 'x'],
  // Of three bytes each; where it is cut no half of one is left.
  ['\u4e2d'.repeat(85), '\u4e2d'],
])('a name as long as a file system takes is written: %#', (name, character) => {
  const path = `${newFolder()}/${name}`;
  expect(basename(temporaryPath(path))).toMatch(new RegExp(`^\\.${character}{70,}\\.\\d+\\.`, 'u'));
  using file = OutputFile.create(path, 'refuse');
  file.commit();
  expect(readdirSync(path.slice(0, path.lastIndexOf('/')))).toEqual([name]);
});

test('a name that is too long is refused', () => {
  const create = (): unknown => OutputFile.create(`${newFolder()}/${'x'.repeat(256)}`, 'refuse');
  expect(create).toThrow(/: the name is too long \(ENAMETOOLONG\); choose a shorter one$/);
});

test('leftovers are the temporary files of the same target whose process is gone', () => {
  const path = newFolder();
  using mine = OutputFile.create(`${path}/m.npu`, 'refuse');
  mine.write(Buffer.from('x'), 0);
  const leftover = `.m.npu.${gone}.0123abcd.tmp`;
  writeFileSync(`${path}/${leftover}`, 'half');
  writeFileSync(`${path}/.other.npu.${gone}.0123abcd.tmp`, '');
  writeFileSync(`${path}/.m.npu.${gone}.tmp`, '');
  writeFileSync(`${path}/m.npu.${gone}.0123abcd.tmp`, '');
  expect(findLeftovers(`${path}/m.npu`)).toEqual([{ path: `${path}/${leftover}`, bytes: 4 }]);
  expect(findLeftovers(`${path}/none/m.npu`)).toEqual([]);
});
