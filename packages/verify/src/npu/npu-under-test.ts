import type { ToolkitError } from '@npu-llama/format';
import type { LogitsModel, LogitsSession } from '../verify/index.js';

/** What computes, for reports. */
export interface DeviceFacts {
  /** One line for people: `RK3588 NPU, rknpu 0.9.8 at /dev/dri/card1, 3 cores, 1 row a job`. */
  readonly description: string;
  readonly kind: 'rknpu' | 'sim';
  /** The kernel driver and its version: `rknpu 0.9.8 at /dev/dri/card1`. */
  readonly driver: string;
  readonly cores: number;
  /** Rows of a job that decodes one token: 1 or 4. */
  readonly decodeRows: number;
  /** FFI adapter that reaches the driver. */
  readonly ffi: string;
}

/** Outputs that one task of a job computes. */
export interface TaskRange {
  readonly core: number;
  /** Its place among the chained tasks of that core, from 0. */
  readonly link: number;
  /** First row of the matrix, and how many: whole 16-row groups. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A matrix as it stands on the device. */
export interface PlacedMatrix {
  /** `layers.3.wqkv`, as in the .npu file. */
  readonly name: string;
  /** K and N with their padding. */
  readonly paddedColumns: number;
  readonly paddedRows: number;
  /** The DMA buffer that its weights are in. */
  readonly buffer: { readonly label: string; readonly dmaAddress: number; readonly bytes: number };
  /** One a row count M that it has programs for, ascending; the first decodes. */
  readonly variants: readonly { readonly rows: number; readonly tasks: readonly TaskRange[] }[];
}

/** One product that the device made, as whoever watches a session is told of it. */
export interface MatrixRun {
  readonly matrix: string;
  /** Position of the first row. */
  readonly firstPosition: number;
  /** Rows that count, and M of the job that computed them. */
  readonly rows: number;
  readonly jobRows: number;
  /** [rows][columns] f32: before rounding to FP16. Valid during the call. */
  readonly input: Float32Array;
  /** [rows][paddedRows] f32: every output, padding included. Valid during the call. */
  readonly output: Float32Array;
}

/** Keys and values that a session holds: each [layers][seqLen][kvDim] f32, keys turned by RoPE. */
export interface KeyValues {
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

export interface WatchedSession extends LogitsSession {
  /** What the session has cached; a live view. */
  readonly keyValues: KeyValues;
}

export interface SamplerFacts {
  /** 0: always the likeliest token. */
  readonly temperature: number;
  /** Nucleus sampling; 0 or 1: off. */
  readonly topP: number;
  /** Not 0. */
  readonly seed: bigint | number;
}

/** Draws tokens one after the other, each from [vocabSize] f32 logits. */
export type DrawToken = (logits: Float32Array) => number;

/** A model loaded on a device, ready to be verified and to be looked into. */
export interface NpuUnderTest extends LogitsModel {
  readonly device: DeviceFacts;
  readonly matrices: readonly PlacedMatrix[];
  /** A session whose products are told to `onMatrix`, in the order of the data flow. */
  watch(onMatrix: (run: MatrixRun) => void): WatchedSession;
  /**
   * Multiplies on the device with the smallest job that takes the rows.
   * @param input [rows][columns] f32
   * @returns [rows][paddedRows] f32
   * @throws DeviceError when the job fails, NumericError when FP16 cannot hold an input
   */
  multiply(matrix: string, input: Float32Array, rows: number): Promise<Float32Array>;
  /** A copy of the bytes that its DMA buffer holds now: tiled, as in the file. */
  readWeights(matrix: string): Uint8Array;
  /**
   * The sampler that generates with this NPU: the same seed and logits give the same tokens. In free mode each side draws with
   * one of its own.
   * @throws UsageError for impossible options
   */
  createSampler(options: SamplerFacts): DrawToken;
  /** After a job that failed: makes the device usable again. */
  reset(): Promise<void>;
  /** Gives back the device and its memory. */
  close(): Promise<void>;
}

export interface OpenNpuOptions {
  /** The .npu file. */
  readonly model: string;
  /** auto is the NPU where there is one, else the simulated one. */
  readonly device: 'auto' | 'rknpu' | 'sim';
  /** Node of the NPU's driver; by default it is looked for. */
  readonly devicePath?: string;
  /** Cores to use, 1 to 3; by default all. */
  readonly cores?: number;
  /** Whether the file's checksums are held against what is loaded (default true). */
  readonly verifyChecksums?: boolean;
  /** Ends the opening and the loading; its reason is thrown. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytesDone: number) => void;
  /** Told why, when `auto` takes the simulated device. */
  readonly onFallback?: (reason: string) => void;
  /** Told that the device computes wrong from the start; it is opened all the same, to find out where. */
  readonly onWrongProduct?: (error: ToolkitError) => void;
}

/** Opens a device and loads a model onto it. */
export type OpenNpu = (options: OpenNpuOptions) => Promise<NpuUnderTest>;
