import { addInPlace } from './add.js';
import { attention } from './attention.js';
import { rmsNorm } from './rms-norm.js';
import { applyRope } from './rope.js';
import { swiglu } from './swiglu.js';

/** What the CPU computes between the matrices, in one table: a step can be watched, timed or replaced in its place. */
export const cpuKernels = { addInPlace, applyRope, attention, rmsNorm, swiglu };
