import {
  argmax,
  judgePosition,
  type LogitsTolerances,
  normsOf,
  Perplexity,
  type Yardstick,
} from '../compare/index.js';
import { ReferenceSession, type ReferenceWeights } from '../reference/index.js';
import type { Failure, Fork, PositionReport } from '../report/schema.js';
import type { Chooser } from './choose.js';
import type { LogitsSession } from './logits-source.js';
import { isDeviceFailure, refusalOf } from './refusal.js';
import { requireFinite } from './require-finite.js';

/**
 * Positions that are gathered before the FP16-aware reference goes over them together: a matrix is read once for all. It
 * bounds the logits held at a time, and is how many prompt tokens go to the NPU in one call.
 */
const CHUNK = 64;

export interface ComparePromptOptions {
  readonly weights: ReferenceWeights;
  readonly npu: LogitsSession;
  /** The prompt's tokens, BOS first. */
  readonly tokens: readonly number[];
  /** Positions to compare at most: at least the prompt's tokens, at most the model's seqLen. */
  readonly positionCount: number;
  readonly choose: Chooser;
  readonly tolerances: LogitsTolerances;
  /** Looked at before every position; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called with the number of positions that both sides have been through. */
  readonly onPosition?: (positionsDone: number) => void;
  /** Handed the NPU's logits of each position, [vocabSize] f32, valid during the call. */
  readonly onNpuLogits?: (position: number, logits: Float32Array) => void;
}

/** What comparing one prompt found. */
export interface PromptComparison {
  /** Every token that was fed: the prompt's, then the choices. */
  readonly tokens: readonly number[];
  /** The same, and behind them what the runtime refused to go on with, or the device failed at. */
  readonly attempted: readonly number[];
  readonly positions: readonly PositionReport[];
  /** What ended it before its time: a device that failed. The positions until then are compared all the same. */
  readonly interrupted?: unknown;
  /** Failures of the whole. */
  readonly failures: readonly Failure[];
  readonly fork: Fork | undefined;
  readonly perplexity: { readonly [Side in Yardstick | 'npu']: number | undefined };
  /** Time in each one's forward passes. */
  readonly seconds: { readonly [Side in Yardstick | 'npu']: number };
}

/**
 * Sends one text through both references and the NPU and compares every position. The prompt reaches the NPU in batches
 * and every later token on its own, as when it generates; so both ways are checked.
 * @throws FileError where a reference's own logits are not finite: then it judges nothing
 */
export async function comparePrompt(options: ComparePromptOptions): Promise<PromptComparison> {
  return new Comparison(options).run();
}

class Comparison {
  readonly #options: ComparePromptOptions;
  readonly #fp32: ReferenceSession;
  readonly #fp16: ReferenceSession;
  readonly #fed: number[] = [];
  readonly #positions: PositionReport[] = [];
  readonly #failures: Failure[] = [];
  readonly #atPosition = new Map<number, Failure>();
  readonly #seconds = { fp32: 0, fp16: 0, npu: 0 };
  readonly #perplexity = { fp32: new Perplexity(), fp16: new Perplexity(), npu: new Perplexity() };
  /** Logits of the positions that the FP16-aware reference has not seen yet. */
  readonly #pending: { fp32: Float32Array; npu: Float32Array }[] = [];
  #refused: readonly number[] = [];
  #fork: Fork | undefined;

  constructor(options: ComparePromptOptions) {
    this.#options = options;
    this.#fp32 = new ReferenceSession(options.weights, options.positionCount);
    this.#fp16 = new ReferenceSession(options.weights, options.positionCount, { arithmetic: 'fp16' });
  }

  async run(): Promise<PromptComparison> {
    let interrupted: unknown;
    try {
      await this.#compare();
    } catch (error) {
      if (this.#options.signal?.aborted || !isDeviceFailure(error)) throw error;
      interrupted = error;
      await this.#judgePending(undefined);
    }
    const { fp32, fp16, npu } = this.#perplexity;
    return {
      tokens: this.#fed,
      attempted: [...this.#fed, ...this.#refused],
      positions: this.#positions,
      ...(interrupted !== undefined && { interrupted }),
      failures: this.#failures,
      fork: this.#fork,
      perplexity: { fp32: fp32.value, fp16: fp16.value, npu: npu.value },
      seconds: this.#seconds,
    };
  }

  async #compare(): Promise<void> {
    const { tokens: prompt, positionCount } = this.#options;
    let batch = prompt.slice(0, CHUNK);
    while (batch.length > 0) {
      const npu = await this.#npuLogits(batch);
      if (npu === undefined) break;
      const next = await this.#advance(batch, npu);
      const done = this.#fed.length;
      if (done < prompt.length) batch = prompt.slice(done, done + CHUNK);
      else batch = next === undefined || done === positionCount ? [] : [next];
      if (this.#pending.length >= CHUNK) await this.#judgePending(batch[0]);
    }
    await this.#judgePending(undefined);
  }

  /** The NPU's logits of a batch; undefined where the runtime finds numbers that it cannot go on with. */
  async #npuLogits(batch: readonly number[]): Promise<Float32Array | undefined> {
    this.#options.signal?.throwIfAborted();
    try {
      return await this.#timed('npu', () => this.#options.npu.forward(batch, this.#fed.length));
    } catch (error) {
      this.#refused = batch;
      this.#failures.push(refusalOf(error));
      return undefined;
    }
  }

  /** Takes a batch through the FP32 reference and decides what comes after it. */
  async #advance(batch: readonly number[], npu: Float32Array): Promise<number | undefined> {
    const { weights, choose, signal, onPosition, onNpuLogits, tokens: prompt } = this.#options;
    const { vocabSize } = weights.config;
    const first = this.#fed.length;
    const fp32 = await this.#timed('fp32', () =>
      this.#fp32.forward(batch, first, { logits: 'all', ...(signal && { signal }) }),
    );
    let next: number | undefined;
    for (const [i, token] of batch.entries()) {
      const position = first + i;
      const reference = fp32.slice(i * vocabSize, (i + 1) * vocabSize);
      const ours = rowOf(npu, i, batch.length, vocabSize);
      requireFinite(reference, weights, position);
      onNpuLogits?.(position, ours);
      this.#fed.push(token);
      this.#pending.push({ fp32: reference, npu: ours });
      if (position < prompt.length - 1) continue;
      const choice = choose(position, reference, ours);
      next = choice.next;
      this.#fork = choice.fork;
      if (choice.failure !== undefined) this.#atPosition.set(position, choice.failure);
    }
    onPosition?.(this.#fed.length);
    return next;
  }

  /** Lets the FP16-aware reference go over the pending positions, and judges them. */
  async #judgePending(next: number | undefined): Promise<void> {
    const { weights, tolerances, signal } = this.#options;
    const { vocabSize } = weights.config;
    const first = this.#positions.length;
    const tokens = this.#fed.slice(first);
    if (tokens.length === 0) return;
    const all = await this.#timed('fp16', () =>
      this.#fp16.forward(tokens, first, { logits: 'all', ...(signal && { signal }) }),
    );
    for (const [i, { fp32, npu }] of this.#pending.entries()) {
      const position = first + i;
      const fp16 = all.subarray(i * vocabSize, (i + 1) * vocabSize);
      requireFinite(fp16, weights, position);
      const fed = { position, token: tokens[i]!, referenceToken: argmax(fp32) };
      const norms = normsOf({ fp32, fp16, npu });
      const judged = judgePosition(fed, { fp32, fp16, npu }, tolerances, norms);
      const failure = this.#atPosition.get(position);
      this.#positions.push(failure ? { ...judged, failures: [...judged.failures, failure] } : judged);
      const following = this.#fed[position + 1] ?? next;
      if (following === undefined) continue;
      this.#perplexity.fp32.add(fp32, following, norms.fp32);
      this.#perplexity.fp16.add(fp16, following, norms.fp16);
      if (npu.length === vocabSize) this.#perplexity.npu.add(npu, following, norms.npu);
    }
    this.#pending.length = 0;
  }

  async #timed<T>(side: Yardstick | 'npu', work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#seconds[side] += (performance.now() - start) / 1000;
    }
  }
}

/** A copy of one position's logits; all that came where their number is wrong, for the comparison to report. */
function rowOf(logits: Float32Array, row: number, rows: number, vocabSize: number): Float32Array {
  return logits.length === rows * vocabSize
    ? logits.slice(row * vocabSize, (row + 1) * vocabSize)
    : logits.slice();
}
