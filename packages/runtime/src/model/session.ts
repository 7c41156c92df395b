import { type ModelConfig, UsageError } from '@npu-llama/format';
import { type ProductListener, ProductWatch } from './product-watch.js';
import type { Transformer } from './transformer.js';
import type { KvCache, Workspace, WorkspacePool } from './workspace.js';

/** What a session needs of its model. */
export interface SessionHost {
  readonly config: ModelConfig;
  readonly transformer: Transformer;
  readonly workspaces: WorkspacePool;
  readonly maxRows: number;
  /** @throws DeviceError after the model was closed */
  checkOpen(): void;
  sessionClosed(session: Session): unknown;
}

export interface SessionOptions {
  /**
   * Told of every product that the NPU makes for this session, in the order of the data flow: for verification, and for those
   * who want to see inside. It may not run the model itself. Other sessions are not shown, and without it nothing is copied.
   */
  readonly onProduct?: ProductListener;
}

/** One text in the making: a KV cache on a model. Sessions of one model take turns. */
export class Session implements AsyncDisposable {
  readonly #host: SessionHost;
  #workspace: Workspace | undefined;
  #length = 0;
  #busy = false;
  #logits: Float32Array;
  readonly #watch: ProductWatch | undefined;

  constructor(host: SessionHost, { onProduct }: SessionOptions = {}) {
    this.#host = host;
    this.#watch = onProduct && new ProductWatch(onProduct);
    this.#workspace = host.workspaces.take();
    this.#logits = new Float32Array(host.config.vocabSize);
  }

  /** The model's dimensions. */
  get config(): ModelConfig {
    return this.#host.config;
  }

  /** Positions in the cache: the next token goes to this one, or any before it. */
  get length(): number {
    return this.#length;
  }

  /**
   * The keys and values themselves, a view that changes with every call: what stands at `length` and behind it is not to be
   * relied on, and whoever writes to it changes what the session computes. Not to be touched after close(): another session
   * may have it then.
   * @throws UsageError after close()
   */
  get keyValues(): KvCache {
    return this.#openWorkspace.cache;
  }

  /**
   * Runs one token. A position before `length` rewinds the session to it.
   * @returns logits [vocabSize] f32, valid until the session's next call
   * @throws UsageError for a token or position that the model does not have, DeviceError when the device fails
   */
  async forward(token: number, position: number): Promise<Float32Array> {
    return this.forwardBatch([token], position, { logits: 'last' });
  }

  /**
   * Runs tokens at consecutive positions, as many as the NPU takes at a time; others get their turn in between.
   * @returns logits [tokens.length][vocabSize] f32 with 'all', [vocabSize] of the last token with 'last'; valid until the
   *   session's next call
   * @throws as forward; the signal's reason when it is aborted in between; UsageError while another call is under way
   */
  async forwardBatch(
    tokens: readonly number[],
    firstPosition: number,
    options: { readonly logits: 'all' | 'last'; readonly signal?: AbortSignal },
  ): Promise<Float32Array> {
    if (this.#busy) {
      throw new UsageError('the session is busy with another call', {
        next: 'await it first, or use a session each',
      });
    }
    this.#checkRequest(tokens, firstPosition);
    this.#busy = true;
    try {
      return await this.#runBatch(tokens, firstPosition, options);
    } finally {
      this.#busy = false;
    }
  }

  async #runBatch(
    tokens: readonly number[],
    firstPosition: number,
    { logits: wanted, signal }: { readonly logits: 'all' | 'last'; readonly signal?: AbortSignal },
  ): Promise<Float32Array> {
    const { transformer, maxRows, config } = this.#host;
    const all = wanted === 'all';
    const logits = this.#logitsFor((all ? tokens.length : 1) * config.vocabSize);
    // Until the batch is through, what stands behind its first position is not to be relied on.
    this.#length = firstPosition;
    for (let first = 0; first < tokens.length; first += maxRows) {
      if (first > 0) await new Promise(resolve => setImmediate(resolve));
      signal?.throwIfAborted();
      this.#host.checkOpen();
      const workspace = this.#openWorkspace;
      const rows = tokens.slice(first, first + maxRows);
      const isLast = first + rows.length === tokens.length;
      const at = all ? first * config.vocabSize : 0;
      transformer.run({
        tokens: rows,
        firstPosition: firstPosition + first,
        workspace,
        logits: all || isLast ? { into: logits, at, rows: wanted } : undefined,
        watch: this.#watch,
      });
    }
    this.#length = firstPosition + tokens.length;
    return logits;
  }

  #checkRequest(tokens: readonly number[], firstPosition: number): void {
    const { vocabSize, seqLen } = this.#host.config;
    if (tokens.length === 0) throw new UsageError('no tokens to run');
    for (const token of tokens) {
      if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
        throw new UsageError('no such token', { got: String(token), wanted: `0 to ${vocabSize - 1}` });
      }
    }
    if (!Number.isInteger(firstPosition) || firstPosition < 0 || firstPosition > this.#length) {
      throw new UsageError('positions follow each other', {
        got: `position ${firstPosition}`,
        wanted: `0 to ${this.#length}, the session's length`,
      });
    }
    if (firstPosition + tokens.length > seqLen) {
      throw new UsageError("beyond the model's seq_len", {
        got: `position ${firstPosition + tokens.length - 1}`,
        wanted: `0 to ${seqLen - 1}`,
      });
    }
  }

  #logitsFor(count: number): Float32Array {
    if (this.#logits.length < count) this.#logits = new Float32Array(count);
    return this.#logits.length === count ? this.#logits : this.#logits.subarray(0, count);
  }

  get #openWorkspace(): Workspace {
    if (this.#workspace === undefined) throw new UsageError('the session was used after close');
    return this.#workspace;
  }

  /** Gives the KV cache back to the model; safe to call twice. */
  async close(): Promise<void> {
    if (this.#workspace === undefined) return;
    this.#host.workspaces.giveBack(this.#workspace);
    this.#workspace = undefined;
    this.#host.sessionClosed(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
