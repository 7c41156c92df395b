import { CBUF_BANKS, CNA, CORE, DPU, featureBanks, PC, Precision, TRAILER } from '../hardware/index.js';
import type { Register } from '../hardware/register.js';
import { CommandWriter, findCommand } from './command-writer.js';
import { checkTask, type MatmulTask } from './task.js';

/** Register commands in an FP16 matmul's program. */
export const PROGRAM_WORDS = 108;
export const PROGRAM_BYTES = PROGRAM_WORDS * 8;

/** The program that the PC goes on with after this one. */
export interface NextProgram {
  readonly address: number;
  readonly words: number;
}

/** Commands of the trailer, the last of a program. */
const TRAILER_WORDS = 4;

/**
 * Emits the register program of one FP16 task (RK3588 TRM chapter 36; the order is that of
 * programs known to run).
 *
 * @param words 2 * PROGRAM_WORDS u32; where the program is to stand in DMA memory, or a copy
 * @param next the next task's program in the same kick; none for the last
 * @throws DeviceError when the task breaks a limit, RangeError when a value does not fit its register
 */
export function emitProgram(task: MatmulTask, words: Uint32Array, next?: NextProgram): void {
  checkTask(task);
  const writer = new CommandWriter(words.subarray(0, 2 * PROGRAM_WORDS));
  writer.set(DPU.S_POINTER, { pointer_pp_en: 1, executer_pp_en: 1, pointer_pp_mode: 1 });
  emitFeatureAndWeightFetch(writer, task);
  emitAccumulate(writer, task);
  emitWriteBack(writer, task);
  emitTrailer(writer, next);
}

/**
 * Makes the program of one task that of another of the same shape: only addresses and trailer differ.
 *
 * @param words 2 * PROGRAM_WORDS u32, as emitProgram left them
 * @throws DeviceError when the task breaks a limit
 */
export function redirectProgram(words: Uint32Array, task: MatmulTask, next?: NextProgram): void {
  checkTask(task);
  const at = (register: Register): CommandWriter => new CommandWriter(words, findCommand(words, register));
  at(CNA.FEATURE_DATA_ADDR).set(CNA.FEATURE_DATA_ADDR, { address: task.featureAddress });
  at(CNA.DCOMP_ADDR0).set(CNA.DCOMP_ADDR0, { address: task.weightAddress });
  at(DPU.DST_BASE_ADDR).set(DPU.DST_BASE_ADDR, { address: task.outputAddress });
  emitTrailer(new CommandWriter(words, PROGRAM_WORDS - TRAILER_WORDS), next);
}

function emitFeatureAndWeightFetch(writer: CommandWriter, task: MatmulTask): void {
  const { rows, columns, outputs } = task;
  const dataBanks = featureBanks(rows, columns);
  writer.set(CNA.CONV_CON1, { proc_precision: Precision.fp16, in_precision: Precision.fp16, conv_mode: 0 });
  writer.set(CNA.CONV_CON2, { feature_grains: rows + 1 });
  writer.set(CNA.CONV_CON3, { conv_x_stride: 1, conv_y_stride: 1 });
  writer.set(CNA.DATA_SIZE0, { datain_width: 1, datain_height: rows });
  writer.set(CNA.DATA_SIZE1, { datain_channel_real: columns - 1, datain_channel: columns });
  writer.set(CNA.DATA_SIZE2, { dataout_width: 1 });
  writer.set(CNA.DATA_SIZE3, { dataout_atomics: rows });
  writer.set(CNA.WEIGHT_SIZE0, { weight_bytes: columns * outputs * 2 });
  writer.set(CNA.WEIGHT_SIZE1, { weight_bytes_per_kernel: columns * 2 });
  writer.set(CNA.WEIGHT_SIZE2, { weight_width: 1, weight_height: 1, weight_kernels: outputs });
  writer.set(CNA.CBUF_CON0, { weight_bank: CBUF_BANKS - dataBanks, data_bank: dataBanks });
  writer.set(CNA.CBUF_CON1, { data_entries: Math.ceil(columns / 32) });
  writer.set(CNA.CVT_CON0, { data_sign: 1, cvt_type: 1, cvt_bypass: 1 });
  for (const register of [CNA.CVT_CON1, CNA.CVT_CON2, CNA.CVT_CON3, CNA.CVT_CON4])
    writer.set(register, { cvt_scale: 1 });
  writer.clear([CNA.FC_CON0, CNA.FC_CON1, CNA.PAD_CON0]);
  writer.set(CNA.FEATURE_DATA_ADDR, { address: task.featureAddress });
  writer.clear([CNA.FC_CON2]);
  writer.set(CNA.DMA_CON0, { weight_burst_len: 15, data_burst_len: 15 });
  writer.set(CNA.DMA_CON1, { line_stride: 4 });
  writer.set(CNA.DMA_CON2, { surf_stride: featureSurfaceStride(rows) });
  writer.set(CNA.FC_DATA_SIZE0, { dma_width: 1, dma_height: rows });
  writer.set(CNA.FC_DATA_SIZE1, { dma_channel: columns });
  writer.clear([CNA.DCOMP_CTRL, CNA.DCOMP_REGNUM]);
  writer.set(CNA.DCOMP_ADDR0, { address: task.weightAddress });
  writer.clear([...CNA.DCOMP_AMOUNT, CNA.CVT_CON5, CNA.PAD_CON1]);
}

/** 4 * (M/4 - 1), plus 1 if negative, in 28 bits of two's complement: M = 1 gives 0x0FFFFFFD. */
function featureSurfaceStride(rows: number): number {
  const stride = 4 * (Math.floor(rows / 4) - 1);
  return stride < 0 ? 2 ** 28 + stride + 1 : stride;
}

function emitAccumulate(writer: CommandWriter, task: MatmulTask): void {
  writer.set(CORE.MISC_CFG, { proc_precision: Precision.fp16, qd_en: 1 });
  writer.set(CORE.DATAOUT_SIZE_0, { dataout_height: task.rows - 1, dataout_width: 0 });
  writer.set(CORE.DATAOUT_SIZE_1, { dataout_channel: task.outputs - 1 });
  writer.clear([CORE.CLIP_TRUNCATE, CORE.UNDOCUMENTED_3030]);
}

function emitWriteBack(writer: CommandWriter, task: MatmulTask): void {
  const { rows, outputs } = task;
  const fp32 = task.outputFormat === 'fp32';
  const sizeE = fp32 ? 3 : 1;
  const bypassed = { bypass: 1, alu_bypass: 1, mul_bypass: 1, relu_bypass: 1 };
  writer.set(DPU.FEATURE_MODE_CFG, { burst_len: 15, output_mode: 2 });
  writer.set(DPU.DATA_FORMAT, {
    out_precision: fp32 ? Precision.fp32 : Precision.fp16,
    in_precision: Precision.fp16,
    proc_precision: Precision.fp16,
  });
  writer.clear([DPU.OFFSET_PEND]);
  writer.set(DPU.DST_BASE_ADDR, { address: task.outputAddress });
  writer.set(DPU.DST_SURF_STRIDE, { dst_surf_stride: rows });
  writer.set(DPU.DATA_CUBE_WIDTH, { width: 0 });
  writer.set(DPU.DATA_CUBE_HEIGHT, { height: rows - 1 });
  writer.clear([DPU.DATA_CUBE_NOTCH]);
  writer.set(DPU.DATA_CUBE_CHANNEL, { orig_channel: outputs - 1, channel: outputs - 1 });
  writer.set(DPU.BS_CFG, bypassed);
  writer.clear([DPU.BS_ALU_CFG, DPU.BS_MUL_CFG, DPU.BS_RELUX_CMP]);
  writer.set(DPU.BS_OW_CFG, { size_e_2: sizeE, size_e_1: sizeE, size_e_0: sizeE, od_bypass: 1 });
  writer.clear([DPU.BS_OW_OP]);
  writer.set(DPU.WDMA_SIZE_0, { channel_wdma: outputs - 1 });
  writer.set(DPU.WDMA_SIZE_1, { height_wdma: rows - 1, width_wdma: 0 });
  writer.set(DPU.BN_CFG, bypassed);
  writer.clear([DPU.BN_ALU_CFG, DPU.BN_MUL_CFG, DPU.BN_RELUX_CMP]);
  writer.set(DPU.EW_CFG, { bypass: 1, op_bypass: 1, lut_bypass: 1, op_cvt_bypass: 1, relu_bypass: 1 });
  writer.clear([DPU.EW_CVT_OFFSET]);
  writer.set(DPU.EW_CVT_SCALE, { scale: 1 });
  writer.clear([DPU.EW_RELUX_CMP, DPU.OUT_CVT_OFFSET]);
  writer.set(DPU.OUT_CVT_SCALE, { fp32_to_fp16: fp32 ? 0 : 1, scale: 1 });
  writer.clear([DPU.OUT_CVT_SHIFT, ...DPU.EW_OP_VALUE]);
  writer.set(DPU.SURFACE_ADD, { surf_add: rows * (fp32 ? 4 : 2) });
  writer.clear([DPU.UNDOCUMENTED_40C4, ...DPU.LUT]);
}

function emitTrailer(writer: CommandWriter, next: NextProgram | undefined): void {
  if (next === undefined) {
    writer.filler();
    writer.set(PC.REGISTER_AMOUNTS, { amount: 0 });
  } else {
    writer.set(PC.BASE_ADDRESS, { value: next.address });
    writer.set(PC.REGISTER_AMOUNTS, { amount: Math.floor((next.words + 1) / 2) - 1 });
  }
  writer.clear([TRAILER.SYNC]);
  writer.set(TRAILER.OPERATION_ENABLE, { pc: 1, cna: 1, dpu: 1 });
}
