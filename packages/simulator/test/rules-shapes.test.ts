import { makeProblem } from './support/matrices.js';
import { type Refusal, refuses, set } from './support/refusals.js';

refuses('a CBUF overflow:', [
  ['no feature bank', set(0x1040, 11 << 4), 'cbuf', 'CBUF_CON0.DATA_BANK (0x1040) = 0, expected at least 1'],
  ['no weight bank', set(0x1040, 12), 'cbuf', 'DATA_BANK 12 and WEIGHT_BANK 0'],
  ['more than 12 banks', set(0x1040, (11 << 4) | 2), 'cbuf', 'DATA_BANK 2 and WEIGHT_BANK 11'],
  ['data entries of another K', set(0x1044, 3), 'cbuf', 'CBUF_CON1.DATA_ENTRIES (0x1044) = 3, expected 2'],
  [
    'too few feature banks',
    set(0x1040, (5 << 4) | 7),
    'cbuf',
    'DATA_BANK (0x1040) = 7, expected at least 8 for 64 rows of 2048 inputs (262144 bytes)',
    { problems: [makeProblem('fp32', 64, 2048, 16)] },
  ],
]);

refuses('a value that overflows its field:', [
  [
    'N - 1 of 8207',
    set(0x403c, (8207 << 16) | 8207),
    'field-width',
    'DPU DATA_CUBE_CHANNEL (0x403c) = 0x200f200f',
  ],
  ['N - 1 of 8207 in the write', set(0x4058, 8207), 'field-width', 'CHANNEL_WDMA is bits 0 to 12'],
  ['feature grains of 1024', set(0x1010, 1024 << 4), 'field-width', 'FEATURE_GRAINS is bits 4 to 13'],
  ['a height of 2048', set(0x1020, (1 << 16) | 2048), 'field-width', 'DATAIN_HEIGHT is bits 0 to 10'],
  ['16384 kernels', set(0x1038, 0x01014000), 'field-width', 'WEIGHT_KERNELS is bits 0 to 13'],
  [
    'K - 1 of 16415',
    set(0x1024, (16415 << 16) | 16416),
    'field-width',
    'DATAIN_CHANNEL_REAL is bits 16 to 29',
  ],
  ['a 32-bit surface stride', set(0x1080, 0xfffffffd), 'field-width', 'SURF_STRIDE is bits 0 to 27'],
  [
    'a stride with low bits',
    set(0x4024, (4 << 4) | 1),
    'field-width',
    'DST_SURF_STRIDE (0x4024) = 0x00000041',
  ],
  ['data entries of 16384', set(0x1044, 0x4000), 'field-width', 'DATA_ENTRIES is bits 0 to 13'],
  ['a kernel of 512 KiB', set(0x1034, 1 << 19), 'field-width', 'WEIGHT_BYTES_PER_KERNEL is bits 0 to 18'],
]);

refuses('precisions that disagree:', [
  [
    'the CNA processes int8',
    set(0x100c, 2 << 4),
    'precision',
    'CONV_CON1.PROC_PRECISION (0x100c) = 0, expected 2',
  ],
  [
    'the CNA reads bf16',
    set(0x100c, (3 << 7) | (3 << 4)),
    'precision',
    'CONV_CON1.IN_PRECISION (0x100c) = 3',
  ],
  [
    'the CORE processes int8',
    set(0x3010, 1),
    'precision',
    'CORE MISC_CFG.PROC_PRECISION (0x3010) = 0, expected 2',
  ],
  [
    'the DPU processes int8',
    set(0x4010, 0xa8000000),
    'precision',
    'DPU DATA_FORMAT.PROC_PRECISION (0x4010) = 0',
  ],
  ['the DPU reads int8', set(0x4010, 0xa0000002), 'precision', 'DPU DATA_FORMAT.IN_PRECISION (0x4010) = 0'],
  [
    'int32 output of fp16 input',
    set(0x4010, 0x88000002),
    'precision',
    'OUT_PRECISION (0x4010) = 4, expected 5',
  ],
  ['fp16 output, fp32 sizes', set(0x4010, 0x48000002), 'output-format', 'SIZE_E_0 (0x4050) = 3, expected 1'],
  [
    'fp32 output, fp16 conversion',
    set(0x4084, 0x10001),
    'output-format',
    'FP32TOFP16_EN (0x4084) = 1, expected 0',
  ],
  ['fp16 input without qd_en', set(0x3010, 2 << 8), 'output-format', 'QD_EN (0x3010) = 0, expected 1'],
]);

const SIZES: [name: string, register: number, value: number, says: string][] = [
  ['K - 1', 0x1024, (62 << 16) | 64, 'DATAIN_CHANNEL_REAL (0x1024) = 62, expected 63'],
  ['K of the fetch', 0x1088, 96, 'DMA_CHANNEL (0x1088) = 96, expected 64'],
  ['bytes of a kernel', 0x1034, 64, 'WEIGHT_BYTES_PER_KERNEL (0x1034) = 64, expected 128'],
  ['bytes of all kernels', 0x1030, 4224, 'WEIGHT_BYTES (0x1030) = 4224, expected 4096'],
  ['feature grains', 0x1010, 4 << 4, 'FEATURE_GRAINS (0x1010) = 4, expected 5'],
  ['M of the output', 0x102c, 8, 'DATAOUT_ATOMICS (0x102c) = 8, expected 4'],
  ['M of the fetch', 0x1084, (1 << 16) | 8, 'DMA_HEIGHT (0x1084) = 8, expected 4'],
  ['M of the CORE', 0x3014, 4 << 16, 'DATAOUT_HEIGHT (0x3014) = 4, expected 3'],
  ['N of the CORE', 0x3018, 47, 'DATAOUT_CHANNEL (0x3018) = 47, expected 31'],
  ['M of the DPU', 0x4034, 7, 'DATA_CUBE_HEIGHT.HEIGHT (0x4034) = 7, expected 3'],
  ['N of the DPU', 0x403c, (31 << 16) | 47, 'DATA_CUBE_CHANNEL.CHANNEL (0x403c) = 47, expected 31'],
  ['original N of the DPU', 0x403c, (47 << 16) | 31, 'ORIG_CHANNEL (0x403c) = 47, expected 31'],
  ['N of the write', 0x4058, 15, 'CHANNEL_WDMA (0x4058) = 15, expected 31'],
  ['M of the write', 0x405c, 0, 'HEIGHT_WDMA (0x405c) = 0, expected 3'],
];
refuses(
  'sizes that disagree:',
  SIZES.map(([name, register, value, says]): Refusal => [name, set(register, value), 'size', says]),
);

refuses('a shape that the NPU has not got:', [
  [
    'K = 40',
    set(0x1024, (39 << 16) | 40),
    'k-alignment',
    'DATAIN_CHANNEL (0x1024) = 40, expected a multiple of 32',
  ],
  ['K = 0', set(0x1024, 63 << 16), 'k-alignment', '= 0'],
  [
    'N = 24',
    set(0x1038, 0x01010018),
    'n-alignment',
    'WEIGHT_KERNELS (0x1038) = 24, expected a multiple of 16',
  ],
  ['N = 0', set(0x1038, 0x01010000), 'n-alignment', '= 0'],
  ['N = 8208', set(0x1038, 0x01012010), 'channels', 'WEIGHT_KERNELS (0x1038) = 8208, expected at most 8192'],
  [
    'a kernel over 32 KiB',
    set(0x1024, (31 << 16) | 16416),
    'kernel-size',
    'is 32832 bytes, expected at most 32768',
  ],
  ['M = 0', set(0x1020, 1 << 16), 'rows', 'DATAIN_HEIGHT (0x1020) = 0'],
  ['M = 2', set(0x1020, (1 << 16) | 2), 'rows', 'expected 1 or a multiple of 4'],
  ['M = 1024', set(0x1020, (1 << 16) | 1024), 'rows', 'up to 1022'],
  [
    'N = 16 of int8',
    set(0x1038, 0x01010010),
    'n-alignment',
    'WEIGHT_KERNELS (0x1038) = 16, expected a multiple of 32',
    { problems: [makeProblem('int8', 4, 64, 32)] },
  ],
]);

refuses('strides that cannot be:', [
  ['a line stride of 8', set(0x107c, 8), 'stride', 'LINE_STRIDE (0x107c) = 8, expected 4'],
  [
    'overlapping features',
    set(0x1080, 0x0ffffffd),
    'stride',
    'feature surfaces 1 rows apart, expected at least M = 4',
  ],
  [
    'overlapping results',
    set(0x4024, 1 << 4),
    'stride',
    'DST_SURF_STRIDE (0x4024) = 1, expected at least M = 4',
  ],
  ['SURFACE_ADD of fp16 for fp32', set(0x40c0, 8 << 4), 'stride', 'SURF_ADD (0x40c0) = 8, expected 16'],
]);
