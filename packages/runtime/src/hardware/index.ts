export * from './limits.js';
export { decodeFields, encodeFields, type Register, UnitCode } from './register.js';
export { allRegisters, CNA, CORE, DPU, PC, TRAILER } from './registers.js';
