import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import type { ModelConfig } from '../src/index.js';
import { ToolkitError } from '../src/index.js';

/** A folder of the test file's own, gone when it is done. */
export function temporaryFolder(): {
  path(name: string): string;
  write(name: string, bytes: Uint8Array): string;
} {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'npu-format-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    path: name => join(folder, name),
    write(name, bytes) {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    },
  };
}

/** The message of the error of ours that `body` must throw. */
export function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof ToolkitError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Grouped heads, and no dimension is a multiple of a tile. */
export const SMALL: ModelConfig = {
  dim: 12,
  hiddenDim: 20,
  layerCount: 2,
  headCount: 6,
  kvHeadCount: 3,
  vocabSize: 19,
  seqLen: 5,
};

/** Numbers in [0, 1) that are the same at every run: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
