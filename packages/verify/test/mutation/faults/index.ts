import type { Fault } from '../support/fault.js';
import { fileFaults } from './file.js';
import { jobFaults } from './jobs.js';
import { memoryFaults } from './memory.js';
import { programFaults } from './programs.js';
import { recordFaults } from './records.js';
import { sessionFaults } from './sessions.js';
import { stepFaults } from './steps.js';

/** Every fault that is tried. */
export const faults: readonly Fault[] = [
  ...fileFaults,
  ...memoryFaults,
  ...programFaults,
  ...jobFaults,
  ...stepFaults,
  ...sessionFaults,
  ...recordFaults,
];
