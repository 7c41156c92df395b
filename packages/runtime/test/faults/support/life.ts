import { type NpuDevice, openDevice } from '../../../src/device/index.js';
import type { Kernel } from '../../../src/driver/kernel.js';
import { loadModel, type NpuModel } from '../../../src/model/index.js';
import { inject, leftBehind, NOTHING } from '../../support/simulator.js';
import { type CallKind, RecordingKernel } from './recording-kernel.js';

export const PHASES = ['open', 'load', 'prompt', 'tokens', 'close'] as const;
export type Phase = (typeof PHASES)[number];

/** What an owner of a device and a model saw, from opening to closing. */
export interface Life {
  /** Every call of the driver layer. */
  readonly calls: { readonly kind: CallKind; readonly phase: Phase }[];
  /** What the first failure before closing was, and when. */
  failure: { readonly phase: Phase; readonly error: unknown } | undefined;
  /** What the same text, tried again before a reset, failed with; undefined when it came out. */
  refusal: unknown;
  /** What the reset behind it failed with. */
  resetFailure: unknown;
  /** What the text after the reset failed with. */
  afterReset: unknown;
  /** What was generated, in the end. */
  text: string | undefined;
  /** What closing the model and the device, each twice, failed with. */
  readonly closingErrors: unknown[];
  /** What closing left in the simulated device. */
  left: ReturnType<typeof leftBehind>;
}

/** Of the model that lives, which makes few calls. */
export const ONE_LAYER = {
  dim: 16,
  hiddenDim: 24,
  layerCount: 1,
  headCount: 2,
  kvHeadCount: 1,
  vocabSize: 24,
  seqLen: 8,
};

const PROMPT = [1, 9, 5, 7];
const TOKENS = 2;

/**
 * Which calls of a kind a clean life makes in a phase: the first of the life is 1. With ffi-napi the first of the phase: an
 * adapter has no part in where a call is made.
 */
export function placesOf(clean: Life, phase: Phase, kind: CallKind): number[] {
  const ofKind = clean.calls.filter(call => call.kind === kind);
  const all = ofKind.flatMap((call, index) => (call.phase === phase ? [index + 1] : []));
  return process.env['NPU_FFI'] === 'ffi-napi' ? all.slice(0, 1) : all;
}

/** What the errors of a life say to its owner, in order. */
export function errorsOf(life: Life): unknown[] {
  const { failure, refusal, resetFailure, afterReset, closingErrors } = life;
  const before = [failure?.error, refusal, resetFailure, afterReset];
  return [...before.filter(error => error !== undefined), ...closingErrors];
}

/**
 * Opens the simulated device, loads a model, generates a text and closes everything. After a failure its owner does what the
 * runtime asks for: tries again without a reset, resets, generates, closes.
 */
export async function live(path: string): Promise<Life> {
  let phase: Phase = 'open';
  const life: Life = {
    calls: [],
    failure: undefined,
    refusal: undefined,
    resetFailure: undefined,
    afterReset: undefined,
    text: undefined,
    closingErrors: [],
    left: NOTHING,
  };
  let recording: RecordingKernel | undefined;
  const kernel = (inner: Kernel): Kernel => {
    recording = new RecordingKernel(inner, kind => life.calls.push({ kind, phase }));
    return recording;
  };
  const at = (next: Phase): unknown => (phase = next);
  let device: NpuDevice | undefined;
  let model: NpuModel | undefined;
  try {
    device = await openDevice({ kind: 'sim', rows: 1, kernel });
    at('load');
    model = await loadModel(device, path);
    life.text = await textOf(model, at);
  } catch (error) {
    life.failure = { phase, error };
  }
  if (life.failure !== undefined && device !== undefined) {
    if (model !== undefined) life.refusal = await failureOf(textOf(model));
    life.resetFailure = await failureOf(device.reset());
    if (life.resetFailure === undefined && model !== undefined) {
      const loaded = model;
      life.afterReset = await failureOf(
        (async () => {
          life.text = await textOf(loaded);
        })(),
      );
    }
  }
  at('close');
  for (const owned of [model, device, model, device]) {
    await owned?.close().catch(error => life.closingErrors.push(error));
  }
  life.left = leftBehind();
  inject(''); // whatever was still to fail: this process has other tests
  recording?.unmapRest();
  return life;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The likeliest tokens behind a prompt, and the logits of the last. */
async function textOf(model: NpuModel, at: (phase: Phase) => unknown = () => {}): Promise<string> {
  await using session = model.createSession();
  at('prompt');
  let logits = await session.forwardBatch(PROMPT, 0, { logits: 'last' });
  at('tokens');
  const tokens: number[] = [];
  for (let i = 0; i < TOKENS; i++) {
    const token = logits.indexOf(Math.max(...logits));
    tokens.push(token);
    logits = await session.forward(token, session.length);
  }
  return `${tokens.join(' ')}: ${logits.join(' ')}`;
}
