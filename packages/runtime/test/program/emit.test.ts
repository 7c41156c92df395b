import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { emitProgram, type MatmulTask, PROGRAM_WORDS } from '../../src/program/index.js';

interface Vector {
  m: number;
  k: number;
  n: number;
  input: number;
  weights: number;
  output: number;
  fp16Output: boolean;
  words: string[];
}

// dist/test/program -> test/vectors
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/fp16-programs.json', import.meta.url), 'utf8'),
) as Vector[];

function hexWords(words: Uint32Array): string[] {
  return Array.from({ length: words.length / 2 }, (_, i) =>
    [words[2 * i + 1]!, words[2 * i]!].map(half => half.toString(16).padStart(8, '0')).join(''),
  );
}

function emit(task: MatmulTask, next?: { address: number; words: number }): string[] {
  const words = new Uint32Array(2 * PROGRAM_WORDS);
  emitProgram(task, words, next);
  return hexWords(words);
}

describe('emitProgram', () => {
  test.each(vectors)('equals the published program of M $m, K $k, N $n, FP16 output $fp16Output', vector => {
    const words = emit({
      rows: vector.m,
      columns: vector.k,
      outputs: vector.n,
      featureAddress: vector.input,
      weightAddress: vector.weights,
      outputAddress: vector.output,
      outputFormat: vector.fp16Output ? 'fp16' : 'fp32',
    });
    expect(words).toEqual(vector.words);
  });

  const task: MatmulTask = {
    rows: 1,
    columns: 64,
    outputs: 64,
    featureAddress: 0x1000,
    weightAddress: 0x2000,
    outputAddress: 0x10000,
    outputFormat: 'fp32',
  };

  test('a chained program names the next one and its length in the trailer', () => {
    const words = emit(task, { address: 0xfff00000, words: PROGRAM_WORDS });
    expect(words.slice(-4)).toEqual([
      '0101fff000000010',
      '0101000000350014',
      '0041000000000000',
      '00810000000d0008',
    ]);
  });

  test.each<[string, Partial<MatmulTask>, RegExp]>([
    ['M neither 1 nor a multiple of 4', { rows: 2 }, /impossible M: got 2/],
    ['M of 0', { rows: 0 }, /impossible M/],
    ['M beyond the 10-bit feature grains', { rows: 1024 }, /too many rows/],
    ['K not a multiple of 32', { columns: 40 }, /impossible K/],
    ['K beyond one bank', { columns: 16416 }, /kernel beyond 32 KiB/],
    ['N not a multiple of 16', { outputs: 40 }, /impossible N/],
    ['N beyond 13 bits', { outputs: 8208 }, /too many outputs: got 8208/],
    ['features beyond 11 banks', { rows: 92, columns: 2048 }, /features beyond the CBUF: got 12 banks/],
    ['an unaligned feature address', { featureAddress: 0x1008 }, /features not aligned: got 0x1008/],
    ['an unaligned weight address', { weightAddress: 0x2004 }, /weights not aligned/],
    ['an unaligned output address', { outputAddress: 0x10001 }, /output not aligned/],
    ['weights that end beyond 4 GiB', { weightAddress: 2 ** 32 - 16 }, /weights beyond 4 GiB/],
    ['an output beyond 4 GiB', { outputAddress: 2 ** 32 }, /output beyond 4 GiB/],
  ])('refuses %s', (_, change, message) => {
    expect(() => emit({ ...task, ...change })).toThrow(message);
  });

  test.each([
    [8192, 64],
    [16, 16384],
    [16, 32],
  ])('accepts the edge N %i, K %i', (outputs, columns) => {
    expect(emit({ ...task, outputs, columns, weightAddress: 0x100000 })).toHaveLength(PROGRAM_WORDS);
  });
});
