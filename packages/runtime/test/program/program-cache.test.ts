import { describe, expect, test } from '@jest/globals';
import { DeviceError } from '../../src/errors.js';
import { CNA, PC } from '../../src/hardware/index.js';
import { findCommand } from '../../src/program/command-writer.js';
import { emitProgram, type MatmulTask, PROGRAM_WORDS, ProgramCache } from '../../src/program/index.js';

const NEXT = { address: 0xfff0_1230, words: PROGRAM_WORDS };

/** Every shape twice or more, in turns, at addresses that all differ; links of chains and their ends. */
const tasks = Array.from({ length: 96 }, (_, i): MatmulTask => {
  return {
    rows: [1, 4, 64][i % 3]!,
    columns: [32, 768][Math.floor(i / 3) % 2]!,
    outputs: [16, 272][Math.floor(i / 6) % 2]!,
    featureAddress: 0x1000_0000 + 16 * i,
    weightAddress: 0xfedc_0000 - 16 * i,
    outputAddress: 0x7fff_0000 + 16 * i,
    outputFormat: i % 5 === 0 ? 'fp16' : 'fp32',
  };
});

describe('ProgramCache', () => {
  test('writes what emitProgram emits, whatever it wrote before', () => {
    const cache = new ProgramCache();
    for (const [i, task] of tasks.entries()) {
      const next = i % 2 === 0 ? NEXT : undefined;
      const [wanted, got] = [new Uint32Array(2 * PROGRAM_WORDS), new Uint32Array(2 * PROGRAM_WORDS)];
      emitProgram(task, wanted, next);
      cache.write(task, got, next);
      expect(got).toEqual(wanted);
    }
  });

  test('refuses a task of a known shape at an impossible address', () => {
    const cache = new ProgramCache();
    const task = tasks[0]!;
    const words = new Uint32Array(2 * PROGRAM_WORDS);
    cache.write(task, words);
    const before = words.slice();
    for (const address of [8, 2 ** 32]) {
      expect(() => cache.write({ ...task, weightAddress: address }, words)).toThrow(DeviceError);
    }
    expect(words).toEqual(before);
  });
});

test('findCommand finds the command of a register, and says which register a program does not write', () => {
  const words = new Uint32Array(2 * PROGRAM_WORDS);
  emitProgram(tasks[0]!, words);
  expect(findCommand(words, CNA.CONV_CON1)).toBe(1);
  expect(() => findCommand(words, PC.BASE_ADDRESS)).toThrow('the program does not write PC BASE_ADDRESS');
});
