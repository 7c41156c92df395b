export { disassemble } from './disassemble.js';
export { emitProgram, type NextProgram, PROGRAM_BYTES, PROGRAM_WORDS } from './emit.js';
export { ProgramCache } from './program-cache.js';
export { type CoreTasks, type OutputRange, splitOutputs } from './split.js';
export { checkTask, type MatmulTask } from './task.js';
