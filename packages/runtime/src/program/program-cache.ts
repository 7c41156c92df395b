import { emitProgram, type NextProgram, PROGRAM_WORDS, redirectProgram } from './emit.js';
import type { MatmulTask } from './task.js';

/**
 * Writes the programs of a model: many tasks of few shapes, since its layers are alike. The program of a shape is emitted once and
 * redirected from task to task, in a third of the time.
 */
export class ProgramCache {
  readonly #programs = new Map<string, Uint32Array>();

  /**
   * As emitProgram. `words` is written once and in order: it may be write-combined memory.
   * @throws DeviceError, RangeError as emitProgram does
   */
  write(task: MatmulTask, words: Uint32Array, next?: NextProgram): void {
    const { rows, columns, outputs, outputFormat } = task;
    const shape = `${rows} ${columns} ${outputs} ${outputFormat}`;
    let program = this.#programs.get(shape);
    if (program === undefined) {
      program = new Uint32Array(2 * PROGRAM_WORDS);
      emitProgram(task, program, next);
      this.#programs.set(shape, program);
    } else {
      redirectProgram(program, task, next);
    }
    words.set(program);
  }
}
