/** Register programs of one task, from the TRM's registers; shares nothing with the runtime's generator. */
export interface Task {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly features: bigint;
  readonly weights: bigint;
  readonly result: bigint;
  readonly kind: 'fp32' | 'fp16' | 'int8';
}

export interface Word {
  unit: number;
  register: number;
  value: number;
}

export const UNIT = {
  cna: 0x0201,
  core: 0x0801,
  dpu: 0x1001,
  rdma: 0x2001,
  pc: 0x0101,
  barrier: 0x41,
  enable: 0x81,
} as const;

const FORMATS = {
  fp32: { bytes: 2, precision: 2, out: 5, sizeE: 3, quad: 1, narrow: 0, surfaces: 4, perEntry: 32 },
  fp16: { bytes: 2, precision: 2, out: 2, sizeE: 1, quad: 1, narrow: 1, surfaces: 2, perEntry: 32 },
  int8: { bytes: 1, precision: 0, out: 4, sizeE: 7, quad: 0, narrow: 0, surfaces: 8, perEntry: 64 },
} as const;

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + 4 * i);

/** The 104 words before the trailer. */
function body({
  m,
  k,
  n,
  features,
  weights,
  result,
  kind,
}: Task): [unit: number, register: number, value: number][] {
  const { cna, core, dpu } = UNIT;
  const f = FORMATS[kind];
  const banks = Math.ceil((m * k * f.bytes) / 32768);
  let surfaceStride = 4 * (Math.floor(m / 4) - 1);
  if (surfaceStride < 0) surfaceStride += 1;
  const zeros = (unit: number, registers: number[]) =>
    registers.map((r): [number, number, number] => [unit, r, 0]);
  return [
    [dpu, 0x4004, 0xe],
    [cna, 0x100c, (f.precision << 7) | (f.precision << 4)],
    [cna, 0x1010, (m + 1) << 4],
    [cna, 0x1014, (1 << 3) | 1],
    [cna, 0x1020, (1 << 16) | m],
    [cna, 0x1024, ((k - 1) << 16) | k],
    [cna, 0x1028, 1],
    [cna, 0x102c, m],
    [cna, 0x1030, k * n * f.bytes],
    [cna, 0x1034, k * f.bytes],
    [cna, 0x1038, (1 << 24) | (1 << 16) | n],
    [cna, 0x1040, ((12 - banks) << 4) | banks],
    [cna, 0x1044, Math.ceil(k / f.perEntry)],
    [cna, 0x104c, 0xb],
    ...range(0x1050, 4).map((r): [number, number, number] => [cna, r, 1 << 16]),
    ...zeros(cna, range(0x1060, 3)),
    [cna, 0x1070, Number(features)],
    [cna, 0x1074, 0],
    [cna, 0x1078, (15 << 16) | 15],
    [cna, 0x107c, 4],
    [cna, 0x1080, surfaceStride & 0x0fffffff],
    [cna, 0x1084, (1 << 16) | m],
    [cna, 0x1088, k],
    ...zeros(cna, [0x1100, 0x1104]),
    [cna, 0x1110, Number(weights)],
    ...zeros(cna, range(0x1140, 16)),
    ...zeros(cna, [0x1180, 0x1184]),
    [core, 0x3010, (f.precision << 8) | f.quad],
    [core, 0x3014, (m - 1) << 16],
    [core, 0x3018, n - 1],
    ...zeros(core, [0x301c, 0x3030]),
    [dpu, 0x400c, (15 << 5) | (2 << 1)],
    [dpu, 0x4010, (f.out << 29) | (f.precision << 26) | f.precision],
    [dpu, 0x4014, 0],
    [dpu, 0x4020, Number(result)],
    [dpu, 0x4024, m << 4],
    [dpu, 0x4030, 0],
    [dpu, 0x4034, m - 1],
    [dpu, 0x4038, 0],
    [dpu, 0x403c, ((n - 1) << 16) | (n - 1)],
    [dpu, 0x4040, 0x53],
    ...zeros(dpu, range(0x4044, 3)),
    [dpu, 0x4050, (f.sizeE << 8) | (f.sizeE << 5) | (f.sizeE << 2) | (1 << 1)],
    [dpu, 0x4054, 0],
    [dpu, 0x4058, n - 1],
    [dpu, 0x405c, (m - 1) << 16],
    [dpu, 0x4060, 0x53],
    ...zeros(dpu, range(0x4064, 3)),
    [dpu, 0x4070, 0x383],
    [dpu, 0x4074, 0],
    [dpu, 0x4078, 1],
    [dpu, 0x407c, 0],
    [dpu, 0x4080, 0],
    [dpu, 0x4084, (f.narrow << 16) | 1],
    [dpu, 0x4088, 0],
    ...zeros(dpu, range(0x4090, 8)),
    [dpu, 0x40c0, (m * f.surfaces) << 4],
    [dpu, 0x40c4, 0],
    ...zeros(dpu, range(0x4100, 12)),
  ];
}

export const PROGRAM_WORDS = 108;

/** A whole program; `next`: the DMA address and length of the one that the chain goes on with. */
export function program(task: Task, next?: { address: bigint; words: number }): Word[] {
  const words = body(task).map(([unit, register, value]) => ({ unit, register, value: value >>> 0 }));
  return [
    ...words,
    next
      ? { unit: UNIT.pc, register: 0x10, value: Number(next.address) }
      : { unit: 0, register: 0, value: 0 },
    { unit: UNIT.pc, register: 0x14, value: next ? Math.floor((next.words + 1) / 2) - 1 : 0 },
    { unit: UNIT.barrier, register: 0, value: 0 },
    { unit: UNIT.enable, register: 0x08, value: 0x0d },
  ];
}

export function encode(words: readonly Word[]): BigUint64Array {
  return BigUint64Array.from(
    words,
    w => (BigInt(w.unit) << 48n) | (BigInt(w.value) << 16n) | BigInt(w.register),
  );
}
