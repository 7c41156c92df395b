import { headSize, kvDim, type ModelConfig } from '@npu-llama/format';
import { CpuKernels, KernelMemory, type RopeTable } from '../kernels/index.js';

/** Keys, turned by RoPE, and values of the positions seen so far. */
export interface KvCache {
  /** [layers][seqLen][kvDim] f32 */
  readonly keys: Float32Array;
  /** [layers][seqLen][kvDim] f32 */
  readonly values: Float32Array;
}

/** What the steps on the CPU compute with, the same for every session. */
export interface WorkspaceContents {
  readonly config: ModelConfig;
  /** [layers][dim] f32 */
  readonly rmsAtt: Float32Array;
  /** [layers][dim] f32 */
  readonly rmsFfn: Float32Array;
  /** [dim] f32 */
  readonly rmsFinal: Float32Array;
  readonly rope: RopeTable;
  /** The most rows of a job. */
  readonly maxRows: number;
}

/** Rows of scores are this much longer than seqLen: a power of two apart they would share few lines of a cache. */
const SCORES_GAP = 16;

/** All that a session computes with on the CPU, in one memory that the kernels reach: its cache, activations, norms, RoPE. */
export class Workspace {
  /** The size of that memory, in whole pages of 64 KiB. */
  readonly bytes: number;
  readonly kernels: CpuKernels;
  readonly cache: KvCache;
  // [maxRows][...] f32 each
  readonly x: Float32Array;
  readonly normed: Float32Array;
  readonly query: Float32Array;
  readonly attended: Float32Array;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly delta: Float32Array;
  /** As in WorkspaceContents: copies. */
  readonly rmsAtt: Float32Array;
  readonly rmsFfn: Float32Array;
  readonly rmsFinal: Float32Array;
  /** [seqLen][headSize/2][cos, sin] f32 */
  readonly turns: Float32Array;

  /** @throws ModelLimitError when WebAssembly or this machine has no room for the keys and values */
  constructor({ config, rmsAtt, rmsFfn, rmsFinal, rope, maxRows }: WorkspaceContents) {
    const { dim, hiddenDim, layerCount, headCount, seqLen } = config;
    const cached = layerCount * seqLen * kvDim(config);
    const widest = Math.max(dim, hiddenDim);
    const memory = new KernelMemory(
      {
        x: maxRows * dim,
        normed: maxRows * dim,
        query: maxRows * dim,
        attended: maxRows * dim,
        gate: maxRows * hiddenDim,
        up: maxRows * hiddenDim,
        delta: maxRows * dim,
        ...scratchSizes(maxRows, widest),
        scores: headCount * (seqLen + SCORES_GAP),
        rmsAtt: rmsAtt.length,
        rmsFfn: rmsFfn.length,
        rmsFinal: rmsFinal.length,
        turns: seqLen * headSize(config),
        keys: cached,
        values: cached,
      },
      `a session with ${seqLen} positions`,
    );
    const { arrays } = memory;
    arrays.rmsAtt.set(rmsAtt);
    arrays.rmsFfn.set(rmsFfn);
    arrays.rmsFinal.set(rmsFinal);
    arrays.turns.set(rope.values);
    this.bytes = memory.buffer.byteLength;
    this.kernels = new CpuKernels(memory);
    this.cache = { keys: arrays.keys, values: arrays.values };
    this.x = arrays.x;
    this.normed = arrays.normed;
    this.query = arrays.query;
    this.attended = arrays.attended;
    this.gate = arrays.gate;
    this.up = arrays.up;
    this.delta = arrays.delta;
    this.rmsAtt = arrays.rmsAtt;
    this.rmsFfn = arrays.rmsFfn;
    this.rmsFinal = arrays.rmsFinal;
    this.turns = arrays.turns;
  }
}

/** Room for the features of `columns` activations, and for as many results, of `rows` rows each: see KernelScratch. */
export function scratchSizes(
  rows: number,
  columns: number,
): { readonly features: number; readonly results: number } {
  return { features: (rows * Math.ceil(columns / 32) * 32) / 2, results: rows * Math.ceil(columns / 4) * 4 };
}

/** What idle workspaces may take together; one is kept whatever it takes. */
const IDLE_BYTES = 256 * 2 ** 20;
/** V8 reserves 10 GiB of addresses for each: a kernel of 39-bit addresses has room for some 50 in all. */
const MAX_IDLE = 8;

/**
 * Workspaces of a model that no session has now, for the next ones. V8 gives back a memory, and the addresses that it reserves for it,
 * only when it collects garbage, and lets some GiB gather before: sessions in turn, or a few at once, are not to make new ones. But
 * a KV cache is 2 GiB of a 7B model, and what a rush of sessions leaves is not to stay for as long as the model does.
 */
export class WorkspacePool {
  readonly #idle: Workspace[] = [];

  constructor(private readonly create: () => Workspace) {}

  /** One whose arrays hold what the session before left there, or a new one; @throws as Workspace's constructor */
  take(): Workspace {
    return this.#idle.pop() ?? this.create();
  }

  /** Keeps it for another session, or lets go of it where enough are idle. */
  giveBack(workspace: Workspace): void {
    const room = Math.floor(IDLE_BYTES / workspace.bytes);
    if (this.#idle.length < Math.max(1, Math.min(room, MAX_IDLE))) this.#idle.push(workspace);
  }

  /** Lets go of what is idle. */
  clear(): void {
    this.#idle.length = 0;
  }
}
