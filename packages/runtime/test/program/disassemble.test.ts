import { expect, test } from '@jest/globals';
import { disassemble, emitProgram, PROGRAM_WORDS } from '../../src/program/index.js';

/** A 64-bit register command as emitProgram stores it. */
function command(unit: number, value: number, address: number): number[] {
  return [(((value & 0xffff) << 16) | address) >>> 0, ((unit << 16) | (value >>> 16)) >>> 0];
}

const task = {
  rows: 4,
  columns: 96,
  outputs: 8192,
  featureAddress: 0x10000,
  weightAddress: 0xffe00000 - 8192 * 192,
  outputAddress: 0x200000,
  outputFormat: 'fp32',
} as const;

test('a program reads like a table of its registers', () => {
  const words = new Uint32Array(2 * PROGRAM_WORDS);
  emitProgram(task, words, { address: 0x20360, words: PROGRAM_WORDS });
  expect(`\n${disassemble(words).join('\n')}\n`).toMatchInlineSnapshot(`
"
DPU S_POINTER 4004 = 0000000e  pointer_pp_en=1 executer_pp_en=1 pointer_pp_mode=1
CNA CONV_CON1 100c = 00000120  in_precision=2 proc_precision=2
CNA CONV_CON2 1010 = 00000050  feature_grains=5
CNA CONV_CON3 1014 = 00000009  conv_x_stride=1 conv_y_stride=1
CNA DATA_SIZE0 1020 = 00010004  datain_height=4 datain_width=1
CNA DATA_SIZE1 1024 = 005f0060  datain_channel=96 datain_channel_real=95
CNA DATA_SIZE2 1028 = 00000001  dataout_width=1
CNA DATA_SIZE3 102c = 00000004  dataout_atomics=4
CNA WEIGHT_SIZE0 1030 = 00180000  weight_bytes=1572864
CNA WEIGHT_SIZE1 1034 = 000000c0  weight_bytes_per_kernel=192
CNA WEIGHT_SIZE2 1038 = 01012000  weight_kernels=8192 weight_height=1 weight_width=1
CNA CBUF_CON0 1040 = 000000b1  data_bank=1 weight_bank=11
CNA CBUF_CON1 1044 = 00000003  data_entries=3
CNA CVT_CON0 104c = 0000000b  cvt_bypass=1 cvt_type=1 data_sign=1
CNA CVT_CON1 1050 = 00010000  cvt_scale=1
CNA CVT_CON2 1054 = 00010000  cvt_scale=1
CNA CVT_CON3 1058 = 00010000  cvt_scale=1
CNA CVT_CON4 105c = 00010000  cvt_scale=1
CNA FC_CON0 1060 = 00000000
CNA FC_CON1 1064 = 00000000
CNA PAD_CON0 1068 = 00000000
CNA FEATURE_DATA_ADDR 1070 = 00010000  address=65536
CNA FC_CON2 1074 = 00000000
CNA DMA_CON0 1078 = 000f000f  data_burst_len=15 weight_burst_len=15
CNA DMA_CON1 107c = 00000004  line_stride=4
CNA DMA_CON2 1080 = 00000000
CNA FC_DATA_SIZE0 1084 = 00010004  dma_height=4 dma_width=1
CNA FC_DATA_SIZE1 1088 = 00000060  dma_channel=96
CNA DCOMP_CTRL 1100 = 00000000
CNA DCOMP_REGNUM 1104 = 00000000
CNA DCOMP_ADDR0 1110 = ffc80000  address=4291297280
CNA DCOMP_AMOUNT_0 1140 = 00000000
CNA DCOMP_AMOUNT_1 1144 = 00000000
CNA DCOMP_AMOUNT_2 1148 = 00000000
CNA DCOMP_AMOUNT_3 114c = 00000000
CNA DCOMP_AMOUNT_4 1150 = 00000000
CNA DCOMP_AMOUNT_5 1154 = 00000000
CNA DCOMP_AMOUNT_6 1158 = 00000000
CNA DCOMP_AMOUNT_7 115c = 00000000
CNA DCOMP_AMOUNT_8 1160 = 00000000
CNA DCOMP_AMOUNT_9 1164 = 00000000
CNA DCOMP_AMOUNT_10 1168 = 00000000
CNA DCOMP_AMOUNT_11 116c = 00000000
CNA DCOMP_AMOUNT_12 1170 = 00000000
CNA DCOMP_AMOUNT_13 1174 = 00000000
CNA DCOMP_AMOUNT_14 1178 = 00000000
CNA DCOMP_AMOUNT_15 117c = 00000000
CNA CVT_CON5 1180 = 00000000
CNA PAD_CON1 1184 = 00000000
CORE MISC_CFG 3010 = 00000201  qd_en=1 proc_precision=2
CORE DATAOUT_SIZE_0 3014 = 00030000  dataout_height=3
CORE DATAOUT_SIZE_1 3018 = 00001fff  dataout_channel=8191
CORE CLIP_TRUNCATE 301c = 00000000
CORE UNDOCUMENTED_3030 3030 = 00000000
DPU FEATURE_MODE_CFG 400c = 000001e4  output_mode=2 burst_len=15
DPU DATA_FORMAT 4010 = a8000002  proc_precision=2 in_precision=2 out_precision=5
DPU OFFSET_PEND 4014 = 00000000
DPU DST_BASE_ADDR 4020 = 00200000  address=2097152
DPU DST_SURF_STRIDE 4024 = 00000040  dst_surf_stride=4
DPU DATA_CUBE_WIDTH 4030 = 00000000
DPU DATA_CUBE_HEIGHT 4034 = 00000003  height=3
DPU DATA_CUBE_NOTCH 4038 = 00000000
DPU DATA_CUBE_CHANNEL 403c = 1fff1fff  channel=8191 orig_channel=8191
DPU BS_CFG 4040 = 00000053  bypass=1 alu_bypass=1 mul_bypass=1 relu_bypass=1
DPU BS_ALU_CFG 4044 = 00000000
DPU BS_MUL_CFG 4048 = 00000000
DPU BS_RELUX_CMP 404c = 00000000
DPU BS_OW_CFG 4050 = 0000036e  od_bypass=1 size_e_0=3 size_e_1=3 size_e_2=3
DPU BS_OW_OP 4054 = 00000000
DPU WDMA_SIZE_0 4058 = 00001fff  channel_wdma=8191
DPU WDMA_SIZE_1 405c = 00030000  height_wdma=3
DPU BN_CFG 4060 = 00000053  bypass=1 alu_bypass=1 mul_bypass=1 relu_bypass=1
DPU BN_ALU_CFG 4064 = 00000000
DPU BN_MUL_CFG 4068 = 00000000
DPU BN_RELUX_CMP 406c = 00000000
DPU EW_CFG 4070 = 00000383  bypass=1 op_bypass=1 lut_bypass=1 op_cvt_bypass=1 relu_bypass=1
DPU EW_CVT_OFFSET 4074 = 00000000
DPU EW_CVT_SCALE 4078 = 00000001  scale=1
DPU EW_RELUX_CMP 407c = 00000000
DPU OUT_CVT_OFFSET 4080 = 00000000
DPU OUT_CVT_SCALE 4084 = 00000001  scale=1
DPU OUT_CVT_SHIFT 4088 = 00000000
DPU EW_OP_VALUE_0 4090 = 00000000
DPU EW_OP_VALUE_1 4094 = 00000000
DPU EW_OP_VALUE_2 4098 = 00000000
DPU EW_OP_VALUE_3 409c = 00000000
DPU EW_OP_VALUE_4 40a0 = 00000000
DPU EW_OP_VALUE_5 40a4 = 00000000
DPU EW_OP_VALUE_6 40a8 = 00000000
DPU EW_OP_VALUE_7 40ac = 00000000
DPU SURFACE_ADD 40c0 = 00000100  surf_add=16
DPU UNDOCUMENTED_40C4 40c4 = 00000000
DPU LUT_0 4100 = 00000000
DPU LUT_1 4104 = 00000000
DPU LUT_2 4108 = 00000000
DPU LUT_3 410c = 00000000
DPU LUT_4 4110 = 00000000
DPU LUT_5 4114 = 00000000
DPU LUT_6 4118 = 00000000
DPU LUT_7 411c = 00000000
DPU LUT_8 4120 = 00000000
DPU LUT_9 4124 = 00000000
DPU LUT_10 4128 = 00000000
DPU LUT_11 412c = 00000000
PC BASE_ADDRESS 0010 = 00020360
PC REGISTER_AMOUNTS 0014 = 00000035  amount=53
SYNC SYNC 0000 = 00000000
ENABLE OPERATION_ENABLE 0008 = 0000000d  pc=1 cna=1 dpu=1
"
`);
});

test('the last program of a chain ends with a filler', () => {
  const words = new Uint32Array(2 * PROGRAM_WORDS);
  emitProgram(task, words);
  expect(disassemble(words).slice(-4)).toEqual([
    'filler',
    'PC REGISTER_AMOUNTS 0014 = 00000000',
    'SYNC SYNC 0000 = 00000000',
    'ENABLE OPERATION_ENABLE 0008 = 0000000d  pc=1 cna=1 dpu=1',
  ]);
});

test.each<[string, number[], string]>([
  [
    'a register that is not known',
    command(0x0201, 0xdeadbeef, 0x1ffc),
    'unknown unit 0201 register 1ffc = deadbeef',
  ],
  ['a unit that is not known', command(0x4001, 1, 0x6000), 'unknown unit 4001 register 6000 = 00000001'],
  ['a word without a unit that is no filler', command(0, 1, 0), 'unknown unit 0000 register 0000 = 00000001'],
  [
    'bits outside the fields',
    command(0x0201, 0xffff0020, 0x1010),
    'CNA CONV_CON2 1010 = ffff0020  feature_grains=2 stray bits ffff0000',
  ],
  ['a whole-width value', command(0x0201, 0xfffffff0, 0x1060), 'CNA FC_CON0 1060 = fffffff0'],
  [
    'an address with its top bit set',
    command(0x1001, 0xfffffff0, 0x4020),
    'DPU DST_BASE_ADDR 4020 = fffffff0  address=4294967280',
  ],
])('shows %s', (_, words, wanted) => {
  expect(disassemble(Uint32Array.from(words))).toEqual([wanted]);
});

test('half a word at the end is left out', () => {
  expect(disassemble(Uint32Array.of(0, 0, 7))).toEqual(['filler']);
});
