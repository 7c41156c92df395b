import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { COMMAND, start, type Workplace, workplaces } from './support.js';

/** Preloaded, it fails the n-th call of a kind on a file with a certain name, and every one behind it, as a broken disk does. */
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static atomic_int calls;
static int fails(const char *call, const char *path) {
  const char *wanted = getenv("FAIL_CALL"), *name = getenv("FAIL_NAME"), *nth = getenv("FAIL_AT");
  if (!wanted || strcmp(wanted, call) != 0 || !strstr(path, name)) return 0;
  if (++calls < atoi(nth)) return 0;
  errno = atoi(getenv("FAIL_ERRNO"));
  return 1;
}
static int fd_fails(const char *call, int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(call, path);
}
#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
ssize_t pread64(int fd, void *to, size_t n, off64_t at) {
  return fd_fails("pread", fd) ? -1 : REAL(ssize_t, "pread64", int, void *, size_t, off64_t)(fd, to, n, at);
}
ssize_t pread(int fd, void *to, size_t n, off_t at) { return pread64(fd, to, n, at); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
  return fd_fails("pwrite", fd) ? -1 : REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(fd, from, n, at);
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return pwrite64(fd, from, n, at); }
int fsync(int fd) { return fd_fails("fsync", fd) ? -1 : REAL(int, "fsync", int)(fd); }
int rename(const char *from, const char *to) {
  return fails("rename", to) ? -1 : REAL(int, "rename", const char *, const char *)(from, to);
}
`;
const EIO = 5;
const ENOSPC = 28;
const EDQUOT = 122;

const workplace = workplaces();
let folder = '';
let shim: string | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'npu-disk-errors-'));
  writeFileSync(join(folder, 'shim.c'), SHIM);
  const cc = process.env['CC'] || 'cc';
  const built = spawnSync(cc, ['-shared', '-fPIC', '-O1', '-o', 'shim.so', 'shim.c', '-ldl'], {
    cwd: folder,
  });
  if (built.status === 0) shim = join(folder, 'shim.so');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Fault {
  readonly call: 'pread' | 'pwrite' | 'fsync' | 'rename';
  readonly file: 'm.bin' | 'm.npu';
  readonly at: number;
  readonly errno: number;
}

function convertWith(place: Workplace, fault: Fault, ...args: string[]) {
  const env = {
    ...process.env,
    LD_PRELOAD: shim!,
    // Else some versions of Node make no such calls.
    UV_USE_IO_URING: '0',
    FAIL_CALL: fault.call,
    FAIL_NAME: fault.file,
    FAIL_AT: `${fault.at}`,
    FAIL_ERRNO: `${fault.errno}`,
  };
  return start(process.execPath, [COMMAND, place.path('m.bin'), '-o', place.path('m.npu'), ...args], env)
    .result;
}

const READ =
  /^convert-weights: m\.bin: cannot read \d+ bytes at \d+: input\/output error \(EIO\); check the disk\n$/;
const WRITE =
  /^convert-weights: m\.npu: cannot write \d+ bytes at \d+: input\/output error \(EIO\); check the disk\n$/;

describe('a disk that fails', () => {
  test.each<[what: string, fault: Fault, message: RegExp]>([
    ['to read the header', { call: 'pread', file: 'm.bin', at: 1, errno: EIO }, READ],
    ['to read the weights', { call: 'pread', file: 'm.bin', at: 2, errno: EIO }, READ],
    ['to read further on', { call: 'pread', file: 'm.bin', at: 9, errno: EIO }, READ],
    ['to write the first piece', { call: 'pwrite', file: 'm.npu', at: 1, errno: EIO }, WRITE],
    ['to write further on', { call: 'pwrite', file: 'm.npu', at: 5, errno: EIO }, WRITE],
    [
      'by being full in the middle',
      { call: 'pwrite', file: 'm.npu', at: 3, errno: ENOSPC },
      /^convert-weights: m\.npu: cannot write .*: no space left on the device \(ENOSPC\); free some space or choose another folder\n$/,
    ],
    [
      'by a quota',
      { call: 'pwrite', file: 'm.npu', at: 2, errno: EDQUOT },
      /^convert-weights: m\.npu: cannot write .*: disk quota exceeded \(EDQUOT\); free some space or choose another folder\n$/,
    ],
    [
      'to keep what was written',
      { call: 'fsync', file: 'm.npu', at: 1, errno: EIO },
      /^convert-weights: m\.npu: cannot write to the disk: input\/output error \(EIO\); check the disk\n$/,
    ],
    [
      'to give it its name',
      { call: 'rename', file: 'm.npu', at: 1, errno: EIO },
      /^convert-weights: m\.npu: cannot finish: input\/output error \(EIO\); check the disk\n$/,
    ],
  ])('%s: one line, nothing left, source and former target as they were', async (_, fault, message) => {
    if (shim === undefined) {
      process.stderr.write('skipped: a disk that fails needs cc\n');
      return;
    }
    const place = workplace();
    const source = place.checkpoint('m.bin');
    place.write('m.npu', 'former');
    const before = [readFileSync(source, 'base64'), statSync(source).mtimeMs, statSync(source).mode];
    const { status, stdout, stderr } = await convertWith(place, fault, '--force');
    expect(place.withoutFolder(stderr)).toMatch(message);
    expect([status, stdout]).toEqual([2, '']);
    expect(place.files()).toEqual(['m.bin', 'm.npu']);
    expect(readFileSync(place.path('m.npu'), 'utf8')).toBe('former');
    expect([readFileSync(source, 'base64'), statSync(source).mtimeMs, statSync(source).mode]).toEqual(before);
  });
});
