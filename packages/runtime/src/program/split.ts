import { ROWS_PER_GROUP } from '@npu-llama/format/tiles';
import { MAX_OUTPUTS_PER_TASK } from '../hardware/index.js';

/** A range of a matrix's rows (outputs), in whole 16-row groups. */
export interface OutputRange {
  readonly first: number;
  readonly count: number;
}

/** The tasks of one core, run in this order in one kick. */
export type CoreTasks = readonly OutputRange[];

/**
 * Splits a matrix's rows among the cores in whole 16-row groups, as evenly as that allows, and each core's share into
 * equal tasks of at most 8192 outputs. A matrix of fewer groups than cores uses fewer cores.
 * @param outputs N, a multiple of 16
 */
export function splitOutputs(outputs: number, cores: number): CoreTasks[] {
  const groups = outputs / ROWS_PER_GROUP;
  return splitEvenly(groups, Math.min(cores, groups)).map(share => {
    const tasks = Math.ceil((share.count * ROWS_PER_GROUP) / MAX_OUTPUTS_PER_TASK);
    return splitEvenly(share.count, tasks).map(task => ({
      first: (share.first + task.first) * ROWS_PER_GROUP,
      count: task.count * ROWS_PER_GROUP,
    }));
  });
}

function splitEvenly(total: number, parts: number): OutputRange[] {
  return Array.from({ length: parts }, (_, part) => {
    const first = Math.floor((total * part) / parts);
    return { first, count: Math.floor((total * (part + 1)) / parts) - first };
  });
}
