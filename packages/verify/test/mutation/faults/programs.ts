import { CNA, CORE, DPU, type Register } from '@npu-llama/runtime/testing';
import type { Board } from '../support/board.js';
import type { Fault } from '../support/fault.js';
import type { Program } from '../support/program.js';

const FP16 = 2;

function programsOf(board: Board, matrix: string, core?: number): Program[] {
  return board.programs.filter(
    program => program.matrix === matrix && (core === undefined || program.core === core),
  );
}

function moveAddress(program: Program, register: Register, bytes: number): void {
  program.set(register, { address: program.get(register, 'address') + bytes });
}

/** The stride is signed, in 28 bits. */
function stretchFeatures(program: Program, by: number): void {
  const stride = program.get(CNA.DMA_CON2, 'surf_stride') + by;
  program.set(CNA.DMA_CON2, { surf_stride: (stride + 2 ** 28) % 2 ** 28 });
}

/** Surfaces of a result so many rows apart as are not there. */
function stretchResult(program: Program, by: number): void {
  const stride = program.get(DPU.DST_SURF_STRIDE, 'dst_surf_stride') + by;
  program.set(DPU.DST_SURF_STRIDE, { dst_surf_stride: stride });
  program.set(DPU.SURFACE_ADD, { surf_add: 4 * stride });
}

/** As the program of a narrower matrix would be: K in every register that holds it. */
function shortenColumns(program: Program, columns: number): void {
  const outputs = program.get(CNA.WEIGHT_SIZE2, 'weight_kernels');
  program.set(CNA.DATA_SIZE1, { datain_channel: columns, datain_channel_real: columns - 1 });
  program.set(CNA.WEIGHT_SIZE0, { weight_bytes: columns * outputs * 2 });
  program.set(CNA.WEIGHT_SIZE1, { weight_bytes_per_kernel: columns * 2 });
  program.set(CNA.CBUF_CON1, { data_entries: columns / 32 });
  program.set(CNA.FC_DATA_SIZE1, { dma_channel: columns });
}

/** As the program of fewer outputs would be: N in every register that holds it. */
function shortenOutputs(program: Program, outputs: number): void {
  const columns = program.get(CNA.DATA_SIZE1, 'datain_channel');
  program.set(CNA.WEIGHT_SIZE0, { weight_bytes: columns * outputs * 2 });
  program.set(CNA.WEIGHT_SIZE2, { weight_kernels: outputs });
  program.set(CORE.DATAOUT_SIZE_1, { dataout_channel: outputs - 1 });
  program.set(DPU.DATA_CUBE_CHANNEL, { channel: outputs - 1, orig_channel: outputs - 1 });
  program.set(DPU.WDMA_SIZE_0, { channel_wdma: outputs - 1 });
}

function writeHalves(program: Program): void {
  program.set(DPU.DATA_FORMAT, { out_precision: FP16 });
  program.set(DPU.BS_OW_CFG, { size_e_0: 1, size_e_1: 1, size_e_2: 1 });
  program.set(DPU.OUT_CVT_SCALE, { fp32_to_fp16: 1 });
  program.set(DPU.SURFACE_ADD, { surf_add: 2 * program.get(DPU.DST_SURF_STRIDE, 'dst_surf_stride') });
}

function exchange(a: Program, b: Program, register: Register): void {
  const address = a.get(register, 'address');
  a.set(register, { address: b.get(register, 'address') });
  b.set(register, { address });
}

/** Wrong register programs. */
export const programFaults: readonly Fault[] = [
  {
    name: 'surface stride of the result one too large',
    put: 'DST_SURF_STRIDE and SURFACE_ADD of layers.1.wo, core 2',
    arm: board => {
      for (const program of programsOf(board, 'layers.1.wo', 2)) stretchResult(program, 1);
    },
    expected: {
      status: 1,
      by: ['audit'],
      place: 'layers.1.wo',
      common: 'core 2',
      says: /stride of the result/,
    },
  },
  {
    name: 'surface stride of the features one too large',
    put: 'DMA_CON2 of layers.2.wo',
    arm: board => {
      for (const program of programsOf(board, 'layers.2.wo')) stretchFeatures(program, 1);
    },
    expected: { status: 1, by: ['audit'], place: 'layers.2.wo', says: /stride of the features/ },
  },
  {
    name: 'surface stride of the features wrong in batches alone',
    put: 'DMA_CON2 of layers.1.w13 with 16 rows and more',
    arm: board => {
      for (const program of programsOf(board, 'layers.1.w13')) {
        if (program.rows > 1) stretchFeatures(program, 1);
      }
    },
    expected: { status: 1, by: ['audit'], place: 'layers.1.w13', says: /stride of the features/ },
  },
  {
    name: 'FP16 output where FP32 is meant',
    put: 'the programs of layers.3.wo',
    arm: board => {
      for (const program of programsOf(board, 'layers.3.wo')) writeHalves(program);
    },
    expected: {
      status: 1,
      by: ['audit'],
      place: 'layers.3.wo',
      says: /writes FP16 where the CPU reads FP32/,
    },
  },
  {
    name: 'a result written elsewhere',
    put: 'DST_BASE_ADDR of layers.0.wo, core 1: 64 KiB on',
    arm: board => {
      for (const program of programsOf(board, 'layers.0.wo', 1)) {
        moveAddress(program, DPU.DST_BASE_ADDR, 65536);
      }
    },
    expected: { status: 1, by: ['audit'], place: 'layers.0.wo', common: 'core 1' },
  },
  {
    name: 'the results of two tasks exchanged',
    put: 'DST_BASE_ADDR of layers.2.wo, cores 0 and 1',
    arm: board => {
      const [first, second] = [programsOf(board, 'layers.2.wo', 0), programsOf(board, 'layers.2.wo', 1)];
      for (const [i, program] of first.entries()) exchange(program, second[i]!, DPU.DST_BASE_ADDR);
    },
    expected: { status: 1, by: ['audit'], place: 'layers.2.wo' },
  },
  {
    name: 'weights read a group too far',
    put: 'DCOMP_ADDR0 of layers.1.wqkv, core 0: one 16-row group on',
    arm: board => {
      for (const program of programsOf(board, 'layers.1.wqkv', 0)) {
        moveAddress(program, CNA.DCOMP_ADDR0, 16 * 96 * 2);
      }
    },
    expected: { status: 1, by: ['audit'], place: 'layers.1.wq', common: 'core 0' },
  },
  {
    name: 'features read a surface too far',
    put: 'FEATURE_DATA_ADDR of layers.3.w13, core 2: 16 bytes on',
    arm: board => {
      for (const program of programsOf(board, 'layers.3.w13', 2)) {
        moveAddress(program, CNA.FEATURE_DATA_ADDR, 16);
      }
    },
    expected: { status: 1, by: ['audit'], place: 'layers.3.w3', common: 'core 2' },
  },
  {
    name: 'columns left out',
    put: 'K of layers.2.w2, core 1: 32 of 288 columns fewer',
    arm: board => {
      for (const program of programsOf(board, 'layers.2.w2', 1)) shortenColumns(program, 256);
    },
    expected: { status: 1, by: ['audit'], place: 'layers.2.w2', common: 'core 1' },
  },
  {
    name: 'the last group of a task not computed',
    put: 'N of layers.1.w2, core 2: 16 outputs fewer',
    arm: board => {
      for (const program of programsOf(board, 'layers.1.w2', 2)) shortenOutputs(program, 16);
    },
    expected: { status: 1, by: ['audit'], place: 'layers.1.w2', common: '16-row group 5' },
  },
  {
    name: 'one task of a chain not run',
    put: 'classifier, the second of two',
    model: 'chained',
    arm: board => {
      for (const program of programsOf(board, 'classifier')) if (program.link === 0) program.endChain();
      board.inPlaceOfSubmit(({ matrix }, run, submit) => {
        const tasks = submit.get('subcore_0_task_number');
        const all = submit.get('task_number');
        if (matrix === 'classifier') submit.set({ subcore_0_task_number: tasks - 1, task_number: all - 1 });
        run();
        submit.set({ subcore_0_task_number: tasks, task_number: all });
      });
    },
    expected: { status: 1, by: ['audit'], place: 'classifier', common: 'task 1' },
  },
  {
    name: "a task's result over another's",
    put: 'DST_BASE_ADDR of the second task of the classifier is that of the first',
    model: 'chained',
    arm: board => {
      const programs = programsOf(board, 'classifier');
      for (const second of programs.filter(({ link }) => link === 1)) {
        const first = programs.find(({ link, rows }) => link === 0 && rows === second.rows)!;
        second.set(DPU.DST_BASE_ADDR, { address: first.get(DPU.DST_BASE_ADDR, 'address') });
      }
    },
    expected: { status: 1, by: ['audit'], place: 'classifier' },
  },
  {
    name: 'the results of two chained tasks exchanged',
    put: 'DST_BASE_ADDR of the two tasks of the classifier',
    model: 'chained',
    arm: board => {
      const programs = programsOf(board, 'classifier');
      for (const second of programs.filter(({ link }) => link === 1)) {
        const first = programs.find(({ link, rows }) => link === 0 && rows === second.rows)!;
        exchange(first, second, DPU.DST_BASE_ADDR);
      }
    },
    expected: { status: 1, by: ['audit'], place: 'classifier' },
  },
];
