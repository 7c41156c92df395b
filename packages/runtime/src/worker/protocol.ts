import type { NpuFileDescription } from '@npu-llama/format';
import type { DeviceKind, OpenDeviceOptions } from '../device/index.js';
import type { ModelCounters, PlacedMatrix } from '../model/index.js';
import type { EncodedError } from './error-codec.js';
import type { PackedVocabulary } from './packed-vocabulary.js';

/** What a device in a worker is asked for. Models and sessions are numbers that the asking thread chooses. */
export interface DeviceCalls {
  open(argument: OpenArgument): OpenedDevice;
  reset(argument: Nothing): void;
  /** Answered when every other call is. */
  close(argument: Nothing): void;
  loadModel(argument: LoadArgument): LoadedModel;
  closeModel(argument: OfModel): void;
  multiply(argument: MultiplyArgument): Float32Array;
  /** Not answered: when it fails, the session's calls do. */
  createSession(argument: OfSession): void;
  closeSession(argument: OfSession): void;
  forward(argument: ForwardArgument): Logits;
}

export type Nothing = Readonly<Record<never, never>>;
export type CallName = keyof DeviceCalls;
export type Argument<Name extends CallName> = Parameters<DeviceCalls[Name]>[0];
export type Result<Name extends CallName> = ReturnType<DeviceCalls[Name]>;

/** Options that can be sent, and which callbacks there are. */
export interface OpenArgument {
  readonly options: Omit<OpenDeviceOptions, 'worker' | 'kernel' | 'signal' | 'onFallback' | 'onWrongProduct'>;
  readonly tellsWrongProduct: boolean;
}

/** What stays as it is while the device is open. */
export interface OpenedDevice {
  readonly kind: DeviceKind;
  readonly cores: number;
  readonly decodeRows: 1 | 4;
  readonly ffi: string;
  readonly description: string;
  readonly driver: { readonly description: string; readonly taskRecordBytes: number };
}

export interface OfModel {
  readonly model: number;
}

export interface OfSession extends OfModel {
  readonly session: number;
}

export interface LoadArgument extends OfModel {
  readonly path: string;
  readonly verifyChecksums: boolean;
}

/** What stays as it is while the model is loaded. */
export interface LoadedModel {
  readonly description: NpuFileDescription;
  readonly dmaBytes: number;
  readonly maxRows: number;
  readonly matrices: readonly PlacedMatrix[];
  readonly vocabulary: PackedVocabulary | undefined;
}

export interface MultiplyArgument extends OfModel {
  readonly matrix: string;
  readonly activations: Float32Array;
  readonly rows: number;
}

export interface ForwardArgument extends OfSession {
  readonly tokens: readonly number[];
  readonly firstPosition: number;
  readonly logits: 'all' | 'last';
}

/** Logits stay where the worker wrote them, in memory that both threads see. */
export interface Logits {
  readonly count: number;
  /** Their memory, where it is another than the last time. */
  readonly memory?: SharedArrayBuffer;
}

/** A call, as a message. */
export interface Request<Name extends CallName = CallName> {
  /** Undefined where nobody waits for an answer. */
  readonly id: number | undefined;
  readonly call: Name;
  readonly argument: Argument<Name>;
  /** An AbortFlag's. */
  readonly abort: SharedArrayBuffer | undefined;
}

/** What changes with calls: goes with whatever the worker sends. */
export interface Told {
  readonly dmaBytesInUse: number;
  /** Of the model that the call was about. */
  readonly counters?: ModelCounters;
  /** Of the session that the call was about. */
  readonly length?: number;
}

/** What happens in the middle of a call. */
export type DeviceEvent =
  | { readonly event: 'fallback'; readonly reason: string }
  | { readonly event: 'wrong product'; readonly error: EncodedError }
  | { readonly event: 'progress'; readonly doneBytes: number; readonly totalBytes: number };

/** How a call ended, or what happened in its middle. */
export type Answer = { readonly id: number; readonly told: Told } & (
  | { readonly kind: 'result'; readonly result: Result<CallName> }
  | { readonly kind: 'error'; readonly error: EncodedError }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'event'; readonly event: DeviceEvent }
);
