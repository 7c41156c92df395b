import type { BitField, Register, UnitName } from './register.js';

/*
 * The registers of an FP16 matmul's program. Names and fields: RK3588 TRM chapter 36. What is only known by the value
 * that works has a field `value` of the whole width.
 */

const WHOLE = { value: [0, 32] } as const;

function define<const F extends Readonly<Record<string, BitField>>>(
  unit: UnitName,
  address: number,
  name: string,
  fields: F,
): Register<F> {
  return { unit, address, name, fields };
}

function numbered(
  unit: UnitName,
  firstAddress: number,
  name: string,
  count: number,
): Register<typeof WHOLE>[] {
  return Array.from({ length: count }, (_, i) => define(unit, firstAddress + 4 * i, `${name}_${i}`, WHOLE));
}

export const PC = {
  BASE_ADDRESS: define('PC', 0x10, 'BASE_ADDRESS', WHOLE),
  REGISTER_AMOUNTS: define('PC', 0x14, 'REGISTER_AMOUNTS', { amount: [0, 16] }),
} as const;

export const TRAILER = {
  SYNC: define('SYNC', 0, 'SYNC', WHOLE),
  /** Which blocks start: one bit each. */
  OPERATION_ENABLE: define('ENABLE', 0x08, 'OPERATION_ENABLE', {
    pc: [0, 1],
    cna: [2, 1],
    dpu: [3, 1],
    dpu_rdma: [4, 1],
  }),
} as const;

export const CNA = {
  CONV_CON1: define('CNA', 0x100c, 'CONV_CON1', {
    conv_mode: [0, 4],
    in_precision: [4, 3],
    proc_precision: [7, 3],
  }),
  CONV_CON2: define('CNA', 0x1010, 'CONV_CON2', { feature_grains: [4, 10] }),
  CONV_CON3: define('CNA', 0x1014, 'CONV_CON3', { conv_x_stride: [0, 3], conv_y_stride: [3, 3] }),
  DATA_SIZE0: define('CNA', 0x1020, 'DATA_SIZE0', { datain_height: [0, 11], datain_width: [16, 11] }),
  DATA_SIZE1: define('CNA', 0x1024, 'DATA_SIZE1', { datain_channel: [0, 16], datain_channel_real: [16, 14] }),
  DATA_SIZE2: define('CNA', 0x1028, 'DATA_SIZE2', { dataout_width: [0, 11] }),
  DATA_SIZE3: define('CNA', 0x102c, 'DATA_SIZE3', { dataout_atomics: [0, 22] }),
  WEIGHT_SIZE0: define('CNA', 0x1030, 'WEIGHT_SIZE0', { weight_bytes: [0, 32] }),
  WEIGHT_SIZE1: define('CNA', 0x1034, 'WEIGHT_SIZE1', { weight_bytes_per_kernel: [0, 19] }),
  WEIGHT_SIZE2: define('CNA', 0x1038, 'WEIGHT_SIZE2', {
    weight_kernels: [0, 14],
    weight_height: [16, 5],
    weight_width: [24, 5],
  }),
  CBUF_CON0: define('CNA', 0x1040, 'CBUF_CON0', { data_bank: [0, 4], weight_bank: [4, 4] }),
  CBUF_CON1: define('CNA', 0x1044, 'CBUF_CON1', { data_entries: [0, 14] }),
  CVT_CON0: define('CNA', 0x104c, 'CVT_CON0', { cvt_bypass: [0, 1], cvt_type: [1, 1], data_sign: [3, 1] }),
  CVT_CON1: define('CNA', 0x1050, 'CVT_CON1', { cvt_scale: [16, 16] }),
  CVT_CON2: define('CNA', 0x1054, 'CVT_CON2', { cvt_scale: [16, 16] }),
  CVT_CON3: define('CNA', 0x1058, 'CVT_CON3', { cvt_scale: [16, 16] }),
  CVT_CON4: define('CNA', 0x105c, 'CVT_CON4', { cvt_scale: [16, 16] }),
  FC_CON0: define('CNA', 0x1060, 'FC_CON0', WHOLE),
  FC_CON1: define('CNA', 0x1064, 'FC_CON1', WHOLE),
  PAD_CON0: define('CNA', 0x1068, 'PAD_CON0', WHOLE),
  FEATURE_DATA_ADDR: define('CNA', 0x1070, 'FEATURE_DATA_ADDR', { address: [0, 32] }),
  FC_CON2: define('CNA', 0x1074, 'FC_CON2', WHOLE),
  DMA_CON0: define('CNA', 0x1078, 'DMA_CON0', { data_burst_len: [0, 4], weight_burst_len: [16, 4] }),
  DMA_CON1: define('CNA', 0x107c, 'DMA_CON1', { line_stride: [0, 28] }),
  DMA_CON2: define('CNA', 0x1080, 'DMA_CON2', { surf_stride: [0, 28] }),
  FC_DATA_SIZE0: define('CNA', 0x1084, 'FC_DATA_SIZE0', { dma_height: [0, 11], dma_width: [16, 14] }),
  FC_DATA_SIZE1: define('CNA', 0x1088, 'FC_DATA_SIZE1', { dma_channel: [0, 16] }),
  DCOMP_CTRL: define('CNA', 0x1100, 'DCOMP_CTRL', WHOLE),
  DCOMP_REGNUM: define('CNA', 0x1104, 'DCOMP_REGNUM', WHOLE),
  DCOMP_ADDR0: define('CNA', 0x1110, 'DCOMP_ADDR0', { address: [0, 32] }),
  DCOMP_AMOUNT: numbered('CNA', 0x1140, 'DCOMP_AMOUNT', 16),
  CVT_CON5: define('CNA', 0x1180, 'CVT_CON5', WHOLE),
  PAD_CON1: define('CNA', 0x1184, 'PAD_CON1', WHOLE),
} as const;

export const CORE = {
  MISC_CFG: define('CORE', 0x3010, 'MISC_CFG', { qd_en: [0, 1], proc_precision: [8, 3] }),
  DATAOUT_SIZE_0: define('CORE', 0x3014, 'DATAOUT_SIZE_0', {
    dataout_width: [0, 16],
    dataout_height: [16, 16],
  }),
  DATAOUT_SIZE_1: define('CORE', 0x3018, 'DATAOUT_SIZE_1', { dataout_channel: [0, 16] }),
  CLIP_TRUNCATE: define('CORE', 0x301c, 'CLIP_TRUNCATE', WHOLE),
  UNDOCUMENTED_3030: define('CORE', 0x3030, 'UNDOCUMENTED_3030', WHOLE),
} as const;

export const DPU = {
  S_POINTER: define('DPU', 0x4004, 'S_POINTER', {
    pointer_pp_en: [1, 1],
    executer_pp_en: [2, 1],
    pointer_pp_mode: [3, 1],
  }),
  FEATURE_MODE_CFG: define('DPU', 0x400c, 'FEATURE_MODE_CFG', { output_mode: [1, 2], burst_len: [5, 4] }),
  DATA_FORMAT: define('DPU', 0x4010, 'DATA_FORMAT', {
    proc_precision: [0, 3],
    in_precision: [26, 3],
    out_precision: [29, 3],
  }),
  OFFSET_PEND: define('DPU', 0x4014, 'OFFSET_PEND', WHOLE),
  DST_BASE_ADDR: define('DPU', 0x4020, 'DST_BASE_ADDR', { address: [0, 32] }),
  DST_SURF_STRIDE: define('DPU', 0x4024, 'DST_SURF_STRIDE', { dst_surf_stride: [4, 28] }),
  DATA_CUBE_WIDTH: define('DPU', 0x4030, 'DATA_CUBE_WIDTH', { width: [0, 13] }),
  DATA_CUBE_HEIGHT: define('DPU', 0x4034, 'DATA_CUBE_HEIGHT', { height: [0, 13] }),
  DATA_CUBE_NOTCH: define('DPU', 0x4038, 'DATA_CUBE_NOTCH', WHOLE),
  DATA_CUBE_CHANNEL: define('DPU', 0x403c, 'DATA_CUBE_CHANNEL', { channel: [0, 13], orig_channel: [16, 13] }),
  BS_CFG: define('DPU', 0x4040, 'BS_CFG', {
    bypass: [0, 1],
    alu_bypass: [1, 1],
    mul_bypass: [4, 1],
    relu_bypass: [6, 1],
  }),
  BS_ALU_CFG: define('DPU', 0x4044, 'BS_ALU_CFG', WHOLE),
  BS_MUL_CFG: define('DPU', 0x4048, 'BS_MUL_CFG', WHOLE),
  BS_RELUX_CMP: define('DPU', 0x404c, 'BS_RELUX_CMP', WHOLE),
  BS_OW_CFG: define('DPU', 0x4050, 'BS_OW_CFG', {
    od_bypass: [1, 1],
    size_e_0: [2, 3],
    size_e_1: [5, 3],
    size_e_2: [8, 3],
  }),
  BS_OW_OP: define('DPU', 0x4054, 'BS_OW_OP', WHOLE),
  WDMA_SIZE_0: define('DPU', 0x4058, 'WDMA_SIZE_0', { channel_wdma: [0, 13] }),
  WDMA_SIZE_1: define('DPU', 0x405c, 'WDMA_SIZE_1', { width_wdma: [0, 13], height_wdma: [16, 13] }),
  BN_CFG: define('DPU', 0x4060, 'BN_CFG', {
    bypass: [0, 1],
    alu_bypass: [1, 1],
    mul_bypass: [4, 1],
    relu_bypass: [6, 1],
  }),
  BN_ALU_CFG: define('DPU', 0x4064, 'BN_ALU_CFG', WHOLE),
  BN_MUL_CFG: define('DPU', 0x4068, 'BN_MUL_CFG', WHOLE),
  BN_RELUX_CMP: define('DPU', 0x406c, 'BN_RELUX_CMP', WHOLE),
  EW_CFG: define('DPU', 0x4070, 'EW_CFG', {
    bypass: [0, 1],
    op_bypass: [1, 1],
    lut_bypass: [7, 1],
    op_cvt_bypass: [8, 1],
    relu_bypass: [9, 1],
  }),
  EW_CVT_OFFSET: define('DPU', 0x4074, 'EW_CVT_OFFSET', WHOLE),
  EW_CVT_SCALE: define('DPU', 0x4078, 'EW_CVT_SCALE', { scale: [0, 16] }),
  EW_RELUX_CMP: define('DPU', 0x407c, 'EW_RELUX_CMP', WHOLE),
  OUT_CVT_OFFSET: define('DPU', 0x4080, 'OUT_CVT_OFFSET', WHOLE),
  OUT_CVT_SCALE: define('DPU', 0x4084, 'OUT_CVT_SCALE', { scale: [0, 16], fp32_to_fp16: [16, 1] }),
  OUT_CVT_SHIFT: define('DPU', 0x4088, 'OUT_CVT_SHIFT', WHOLE),
  EW_OP_VALUE: numbered('DPU', 0x4090, 'EW_OP_VALUE', 8),
  SURFACE_ADD: define('DPU', 0x40c0, 'SURFACE_ADD', { surf_add: [4, 28] }),
  UNDOCUMENTED_40C4: define('DPU', 0x40c4, 'UNDOCUMENTED_40C4', WHOLE),
  LUT: numbered('DPU', 0x4100, 'LUT', 12),
} as const;

/** Every register above, by unit code and address: for the disassembler. */
export function allRegisters(): Register[] {
  return [PC, TRAILER, CNA, CORE, DPU].flatMap(block => Object.values<Register | Register[]>(block)).flat();
}
