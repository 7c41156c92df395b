import type { TaskRange } from '../../npu/npu-under-test.js';
import type { ProductRow } from '../product-row.js';
import { GROUP_ROWS } from '../tile-layout.js';
import { counted, distinct, rangesText } from './ranges.js';
import type { ProductEvidence, Sign } from './sign.js';

/** Which outputs are wrong: the smallest part of the matrix or of the device that holds them all, and patterns across it. */
export function whereSigns(evidence: ProductEvidence): Sign[] {
  const { layout } = evidence.matrix;
  const wrong = distinct(evidence.rows.flatMap(row => row.wrong));
  const real = layout.parts.reduce((sum, part) => sum + part.rows, 0);
  const inPart = (n: number): boolean =>
    layout.parts.some(({ firstRow, rows }) => n >= firstRow && n < firstRow + rows);
  if (!wrong.some(inPart)) return [{ key: 'padding', text: 'padding outputs only, which must be 0' }];
  if (wrong.filter(inPart).length === real) return [{ key: 'everyOutput', text: 'every output' }];
  return [containerSign(evidence, wrong), laneSign(wrong), taskOffsetSign(evidence)].filter(
    sign => sign !== undefined,
  );
}

/** The task of a job's output. */
function taskOf({ matrix }: ProductEvidence, jobRows: number, n: number): TaskRange | undefined {
  const variant = matrix.placed.variants.find(({ rows }) => rows === jobRows);
  return variant?.tasks.find(({ firstRow, rows }) => n >= firstRow && n < firstRow + rows);
}

function wrongTasks(evidence: ProductEvidence): TaskRange[] {
  const tasks = new Map<string, TaskRange>();
  for (const { jobRows, wrong } of evidence.rows) {
    for (const n of wrong) {
      const task = taskOf(evidence, jobRows, n);
      if (task !== undefined) tasks.set(`${jobRows} ${task.core} ${task.link}`, task);
    }
  }
  return [...tasks.values()];
}

function containerSign(evidence: ProductEvidence, wrong: readonly number[]): Sign | undefined {
  const tasks = wrongTasks(evidence);
  const cores = distinct(tasks.map(({ core }) => core));
  const all = evidence.matrix.placed.variants.flatMap(variant => variant.tasks);
  const onCore =
    cores.length === 1 && distinct(all.map(({ core }) => core)).length > 1 ? ` (core ${cores[0]})` : '';
  if (wrong.length === 1) return { key: 'oneOutput', text: `output ${wrong[0]} alone${onCore}` };
  if (onCore !== '' && coversCores(evidence, tasks, wrong)) return { key: 'core', text: `core ${cores[0]}` };
  const groups = distinct(wrong.map(n => Math.floor(n / GROUP_ROWS)));
  if (groups.length === 1) {
    const first = groups[0]! * GROUP_ROWS;
    const text = `16-row group ${groups[0]} (rows ${first} to ${first + GROUP_ROWS - 1})${onCore}`;
    return { key: 'group', text };
  }
  if (onCore === '') return linkSign(tasks, all);
  const ofCore = all.filter(({ core }) => core === cores[0]);
  const links = distinct(tasks.map(({ link }) => link));
  if (links.length === 1 && distinct(ofCore.map(({ link }) => link)).length > 1) {
    return { key: 'task', text: `task ${links[0]} of core ${cores[0]}` };
  }
  return { key: 'core', text: `core ${cores[0]}` };
}

/** Whether the wrong outputs are all that these tasks compute (padding may be right by chance). */
function coversCores(
  { matrix }: ProductEvidence,
  tasks: readonly TaskRange[],
  wrong: readonly number[],
): boolean {
  const isWrong = new Set(wrong);
  const cores = new Set(tasks.map(({ core }) => core));
  const ranges = matrix.placed.variants[0]!.tasks.filter(({ core }) => cores.has(core));
  const real = ranges.flatMap(({ firstRow, rows }) =>
    Array.from({ length: rows }, (_, i) => firstRow + i).filter(n =>
      matrix.layout.parts.some(part => n >= part.firstRow && n < part.firstRow + part.rows),
    ),
  );
  return real.length > 0 && real.every(n => isWrong.has(n));
}

/** Several cores: whether it is the same place in each one's chain. */
function linkSign(tasks: readonly TaskRange[], all: readonly TaskRange[]): Sign | undefined {
  const links = distinct(tasks.map(({ link }) => link));
  if (tasks.length === 0 || distinct(all.map(({ link }) => link)).length === 1) return undefined;
  if (links.length === 1) return { key: 'link', text: `task ${links[0]} of every core's chain` };
  return links.includes(0) ? undefined : { key: 'link', text: 'every task of a chain but the first' };
}

/** The same channel of every surface or group. */
function laneSign(wrong: readonly number[]): Sign | undefined {
  for (const [every, what] of [
    [16, '16-row group'],
    [8, '8 channels'],
    [4, 'surface of 4 channels'],
  ] as const) {
    const lanes = distinct(wrong.map(n => n % every));
    const blocks = distinct(wrong.map(n => Math.floor(n / every)));
    if (blocks.length < 3 || lanes.length > every / 2 || wrong.length < lanes.length * blocks.length)
      continue;
    return { key: 'lane', text: `channel ${rangesText(lanes)} of each ${what}` };
  }
  return undefined;
}

/** The same byte of every task's result that has any wrong. */
function taskOffsetSign(evidence: ProductEvidence): Sign | undefined {
  const offsets = new Set<number>();
  const tasks = new Set<string>();
  for (const row of evidence.rows) {
    for (const n of row.wrong) {
      const task = taskOf(evidence, row.jobRows, n);
      if (task === undefined) return undefined;
      offsets.add(resultByte(row, n - task.firstRow));
      tasks.add(`${row.jobRows} ${task.core} ${task.link}`);
    }
  }
  if (offsets.size !== 1 || tasks.size < 2) return undefined;
  const text = `byte ${[...offsets][0]} of each task's result (${counted(tasks.size, 'task')})`;
  return { key: 'taskOffset', text };
}

/** Where an output stands in its task's result, [N/4][M][4] f32. */
function resultByte({ jobRows, jobRow }: ProductRow, output: number): number {
  return ((output - (output % 4)) * jobRows + jobRow * 4 + (output % 4)) * 4;
}
