import type { Board, Job } from '../support/board.js';
import type { Fault } from '../support/fault.js';
import type { Submit } from '../support/faulty-kernel.js';
import { simulate } from '../support/simulator.js';

/** Puts a plan of the simulated device in force once the model is loaded. */
const planned =
  (plan: string): ((board: Board) => void) =>
  () =>
    simulate(plan);

/** The device computes with the features of the job before, where `when` says so: the CPU's never reached memory. */
function staleFeatures(board: Board, when: (job: Job) => boolean): void {
  let before = board.features.slice();
  board.inPlaceOfSubmit((job, run) => {
    const written = board.features.slice();
    if (when(job)) board.features.set(before);
    run();
    before = written;
  });
}

/** Leaves out the sync from the device where `when` says so. */
function staleResult(board: Board, when: (job: Job) => boolean): void {
  board.inPlaceOfSync((job, run) => {
    if (!when(job)) run();
  });
}

const bits = new DataView(new ArrayBuffer(4));

/** Inverts a bit of output n of row 0, as the CPU reads it. */
function flipResult(board: Board, job: Job, n: number, bit: number): void {
  const at = board.resultAt(job, 0, n);
  bits.setFloat32(0, board.results[at]!);
  bits.setUint32(0, bits.getUint32(0) ^ (1 << bit));
  board.results[at] = bits.getFloat32(0);
}

/** Does something to every n-th job of a matrix. */
function nowAndThen(
  every: number,
  matrix: string,
  damage: (board: Board, job: Job) => void,
): (board: Board) => void {
  return board => {
    let jobs = 0;
    board.afterSync(job => {
      if (job.matrix === matrix && ++jobs % every === 0) damage(board, job);
    });
  };
}

function setResult(matrix: string, n: number, value: number): (board: Board) => void {
  return board =>
    board.afterSync(job => {
      if (job.matrix === matrix) board.results[board.resultAt(job, 0, n)] = value;
    });
}

/** What goes wrong between the CPU and the device, or on the device. */
export const jobFaults: readonly Fault[] = [
  {
    name: 'features that do not arrive, for one matrix',
    put: 'every job of layers.1.w2 runs on the features of the job before',
    arm: board => staleFeatures(board, ({ matrix }) => matrix === 'layers.1.w2'),
    expected: {
      status: 1,
      by: ['audit', 'logits'],
      place: 'layers.1.w2',
      says: /features of an earlier job/,
    },
  },
  {
    name: 'features that do not arrive, once',
    put: 'the job of layers.2.wo for the token after the prompt',
    arm: board =>
      staleFeatures(board, ({ matrix, number }) => matrix === 'layers.2.wo' && number > 17 && number <= 34),
    expected: { status: 1, by: ['audit'], place: 'layers.2.wo', says: /features of an earlier job/ },
  },
  {
    name: 'no sync of results, ever',
    put: 'every job',
    arm: board => staleResult(board, () => true),
    expected: { status: 1, by: ['refusal'], place: 'layers.0.wqkv', says: /never written/ },
  },
  {
    name: 'no sync of results for one matrix',
    put: 'every job of layers.2.w13',
    arm: board => staleResult(board, ({ matrix }) => matrix === 'layers.2.w13'),
    expected: { status: 1, by: ['audit'], place: 'layers.2.w13', says: /never arrived/ },
  },
  {
    name: 'no sync of results, once',
    put: 'the job of layers.1.wqkv in the prompt',
    arm: board => staleResult(board, ({ matrix, number }) => matrix === 'layers.1.wqkv' && number < 17),
    expected: { status: 1, by: ['audit'], place: 'layers.1.wqkv', says: /never arrived/ },
  },
  {
    name: 'a sync of too few bytes',
    put: 'half of each result of layers.3.w13',
    arm: board =>
      board.inPlaceOfSync(({ matrix }, run, sync) => {
        const size = sync.get('size');
        if (matrix === 'layers.3.w13') sync.set({ size: size / 2n });
        run();
        sync.set({ size });
      }),
    expected: { status: 1, by: ['audit'], place: 'layers.3.w13', says: /never arrived/ },
  },
  {
    name: 'a core that returns zeros',
    put: 'core 1, once the start-up check is over',
    arm: planned('zero-core=1'),
    expected: {
      status: 1,
      by: ['audit', 'logits'],
      place: 'layers.0.wqkv',
      common: 'core 1',
      says: /never computed/,
    },
  },
  {
    name: 'a core that writes nothing',
    put: 'core 2, once the start-up check is over',
    arm: planned('stale-core=2'),
    expected: { status: 1, by: ['refusal'], place: 'layers.0.wqkv', common: 'core 2', says: /earlier job/ },
  },
  {
    name: 'a core that was never started',
    put: 'core 2 left out of the mask of layers.1.w13',
    arm: board =>
      board.inPlaceOfSubmit(({ matrix }, run, submit) => {
        if (matrix !== 'layers.1.w13') return run();
        const cores = ([2, 3, 4] as const).map(i => entry(submit, i));
        submit.set({
          core_mask: 3,
          ...setEntries([cores[0]!, cores[1]!, [0, 0], [0, 0], [0, 0]]),
          task_number: cores[0]![1] + cores[1]![1],
        });
        run();
        submit.set({ core_mask: 7, ...setEntries([[0, 0], [0, 0], ...cores]), task_number: 3 });
      }),
    expected: { status: 1, by: ['audit'], place: 'layers.1.w13', common: 'core 2' },
  },
  {
    name: 'a core that returns zeros from the start',
    put: 'core 1',
    patch: () => simulate('zero-core=1'),
    expected: {
      status: 1,
      by: ['start-up check', 'logits', 'audit'],
      place: 'layers.0.wqkv',
      common: 'core 1',
      says: /core 1/,
    },
  },
  {
    name: 'heights below 4 wrong',
    put: 'every job of one row, once the start-up check is over',
    arm: planned('short-heights'),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0.wqkv', says: /heights below 4/ },
  },
  {
    name: 'a stuck bit in results',
    put: 'bit 5 of byte 22 of each task: a mantissa bit of its 6th float',
    arm: planned('stuck-bit=22:5'),
    expected: { status: 1, by: ['audit'], place: 'layers.0.wqkv', says: /stuck/ },
  },
  {
    name: 'results beyond 6 cut off',
    put: 'every matrix, where it tells: first in the first position',
    arm: board =>
      board.afterSync(() => {
        for (const [i, value] of board.results.entries()) board.results[i] = Math.max(-6, Math.min(6, value));
      }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0.w2' },
  },
  {
    name: 'a NaN in a result',
    put: 'output 70 of layers.0.w2',
    arm: setResult('layers.0.w2', 70, Number.NaN),
    expected: { status: 1, by: ['refusal'], place: 'layers.0.w2', common: 'output 70 alone' },
  },
  {
    name: 'an infinity in a result',
    put: 'output 10 (w1) of layers.2.w13',
    arm: setResult('layers.2.w13', 10, Number.POSITIVE_INFINITY),
    expected: { status: 1, by: ['refusal'], place: 'layers.2.w1' },
  },
  {
    name: 'an infinity in the logits',
    put: 'output 7 of the classifier',
    arm: setResult('classifier', 7, Number.POSITIVE_INFINITY),
    expected: { status: 1, by: ['not finite'], place: 'classifier', common: 'output 7 alone' },
  },
  {
    name: 'rows of a batch exchanged',
    put: 'rows 1 and 2 of each batch of layers.1.wo',
    arm: board =>
      board.afterSync(job => {
        if (job.matrix !== 'layers.1.wo' || job.rows === 1) return;
        for (let n = 0; n < 96; n++) {
          const [a, b] = [board.resultAt(job, 1, n), board.resultAt(job, 2, n)];
          const kept = board.results[a]!;
          board.results[a] = board.results[b]!;
          board.results[b] = kept;
        }
      }),
    expected: { status: 1, by: ['logits'], place: 'layers.1.wo', says: /only batches are wrong/ },
  },
  {
    name: 'padding of the features not zero',
    put: 'columns 72 to 95 of layers.0.w2 hold NaN',
    model: 'padded',
    arm: board =>
      board.inPlaceOfSubmit(({ matrix, rows }, run) => {
        if (matrix === 'layers.0.w2') board.features.fill(0x7e00, 72 * rows, 96 * rows);
        run();
      }),
    expected: { status: 1, by: ['refusal'], place: 'layers.0.w2' },
  },
  {
    name: 'the results of two jobs exchanged',
    put: 'layers.1.w2 hands back what layers.0.w2 did',
    arm: board => {
      let kept = board.results.slice();
      board.afterSync(job => {
        if (job.matrix === 'layers.0.w2') kept = board.results.slice();
        if (job.matrix === 'layers.1.w2') board.results.set(kept);
      });
    },
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.1.w2' },
  },
  {
    name: 'a bit of a result that flips now and then',
    put: 'mantissa bit 14 of output 20 of every 5th job of layers.2.wo',
    arm: nowAndThen(5, 'layers.2.wo', (board, job) => flipResult(board, job, 20, 14)),
    onlyWith: ['--repeat', '3'],
    expected: { status: 1, by: ['repeat'], place: 'layers.2.wo', common: 'not each time' },
  },
  {
    name: 'a large error now and then',
    put: 'output 3 of every 5th job of layers.0.w13 is 1000',
    arm: nowAndThen(5, 'layers.0.w13', (board, job) => {
      board.results[board.resultAt(job, 0, 3)] = 1000;
    }),
    expected: { status: 1, by: ['logits'], place: 'layers.0.w1', common: 'not each time' },
  },
  {
    name: 'a job that times out once',
    put: 'the 30th job',
    arm: planned('submit@30=timeout'),
    expected: { status: 0, by: ['retry'] },
  },
  {
    name: 'a job that times out again',
    put: 'the 30th job and the next',
    arm: planned('submit@30=timeout,submit@31=timeout'),
    expected: { status: 3, by: ['device error'], says: /timed out/ },
  },
  {
    name: 'a device that goes away',
    put: 'at the 30th job',
    arm: planned('gone@30'),
    expected: { status: 3, by: ['device error'], says: /gone|ENODEV/ },
  },
];

type Entry = readonly [start: number, count: number];

/** Which tasks an entry of a submit has its core run. */
function entry(submit: Submit, i: 0 | 1 | 2 | 3 | 4): Entry {
  return [submit.get(`subcore_${i}_task_start` as const), submit.get(`subcore_${i}_task_number` as const)];
}

function setEntries(entries: readonly Entry[]): Record<string, number> {
  return Object.fromEntries(
    entries.flatMap(([start, count], i) => [
      [`subcore_${i}_task_start`, start],
      [`subcore_${i}_task_number`, count],
    ]),
  );
}
