import { type Device, type DmaBuffer, isFresh, MEM, SYNC } from './device.js';
import { type Problem, resultBytes, untile, worstError } from './matrices.js';
import { encode, program, type Word } from './program.js';

const WORD_BYTES = 8;
const RECORD_BYTES = 40;
/** Programs start 1 KiB apart; the longest has 112 words. */
const PROGRAM_SLOT_BYTES = 1024;

export interface TaskRecord {
  enableMask: number;
  intMask: number;
  regcfgAmount: number;
  regcmdAddr: bigint;
}

export function encodeRecord(record: TaskRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, record.enableMask, true);
  view.setUint32(12, record.intMask, true);
  view.setUint32(16, 0x1ffff, true);
  view.setUint32(24, record.regcfgAmount, true);
  view.setBigUint64(32, record.regcmdAddr, true);
  return bytes;
}

/** A job in DMA memory: each core's tasks chained in order, every part open to change before it is submitted. */
export class Job {
  readonly words: Word[][] = [];
  readonly records: TaskRecord[] = [];
  readonly results: DmaBuffer[] = [];
  readonly features: DmaBuffer[] = [];
  readonly weights: DmaBuffer[] = [];
  readonly programs: DmaBuffer;
  readonly tasks: DmaBuffer;
  readonly shares: readonly number[];
  readonly mask: number;
  private readonly problems: Problem[];

  constructor(
    readonly device: Device,
    perCore: readonly (readonly Problem[])[],
    mask = (1 << perCore.length) - 1,
  ) {
    this.mask = mask;
    this.shares = perCore.map(problems => problems.length);
    this.problems = perCore.flat();
    this.programs = device.buffer(this.problems.length * PROGRAM_SLOT_BYTES, MEM.writeCombine);
    this.tasks = device.buffer(this.problems.length * RECORD_BYTES, MEM.kernelMapping);
    for (const problems of perCore)
      for (const [i, problem] of problems.entries()) this.add(problem, i + 1 < problems.length);
  }

  private add(problem: Problem, chained: boolean): void {
    const index = this.words.length;
    const features = this.device.buffer(problem.features.length, MEM.writeCombine);
    const weights = this.device.buffer(problem.weights.length, MEM.writeCombine);
    const result = this.device.buffer(resultBytes(problem), MEM.cacheable);
    features.write(problem.features);
    weights.write(problem.weights);
    const address = this.programs.dma + BigInt(index * PROGRAM_SLOT_BYTES);
    const task = { ...problem, features: features.dma, weights: weights.dma, result: result.dma };
    const next = chained ? { address: address + BigInt(PROGRAM_SLOT_BYTES), words: 108 } : undefined;
    this.words.push(program(task, next));
    this.records.push({ enableMask: 0x0d, intMask: 0x300, regcfgAmount: 104, regcmdAddr: address });
    this.features.push(features);
    this.weights.push(weights);
    this.results.push(result);
  }

  /** The word that writes a register of a task's program. */
  word(task: number, register: number): Word {
    const found = this.words[task]!.find(w => w.register === register);
    if (!found) throw new Error(`no word for register 0x${register.toString(16)}`);
    return found;
  }

  write(): void {
    for (const [i, words] of this.words.entries()) {
      this.programs.bytes.fill(0, i * PROGRAM_SLOT_BYTES, (i + 1) * PROGRAM_SLOT_BYTES);
      this.programs.write(encode(words).subarray(0, PROGRAM_SLOT_BYTES / WORD_BYTES), i * PROGRAM_SLOT_BYTES);
    }
    for (const [i, record] of this.records.entries())
      this.tasks.write(encodeRecord(record), i * RECORD_BYTES);
  }

  submit(changes: Partial<Parameters<Device['submit']>[0]> = {}) {
    this.write();
    const subcore: [number, number][] = [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    let start = 0;
    let share = 0;
    for (let core = 0; core < 3; core++) {
      if (!(this.mask & (1 << core))) continue;
      const count = this.shares[share++]!;
      subcore[this.mask === 7 ? core + 2 : core] = [start, count];
      start += count;
    }
    return this.device.submit({
      taskNumber: start,
      taskObjAddr: this.tasks.objAddr,
      coreMask: this.mask,
      subcore,
      ...changes,
    });
  }

  /** A task's result as the CPU sees it after a sync, row-major. */
  result(task: number): Float64Array {
    this.results[task]!.sync(SYNC.fromDevice);
    return untile(this.problems[task]!, this.results[task]!.bytes);
  }

  /** Whether the device has written nothing of a task's result. */
  isUntouched(task: number): boolean {
    this.results[task]!.sync(SYNC.fromDevice);
    return isFresh(this.results[task]!.bytes);
  }

  /** The largest error of all tasks, in units of what is allowed. */
  worst(): number {
    return Math.max(...this.problems.map((problem, i) => worstError(problem, this.result(i))));
  }

  destroy(): void {
    for (const buffer of [this.programs, this.tasks, ...this.features, ...this.weights, ...this.results])
      buffer.destroy();
  }
}
