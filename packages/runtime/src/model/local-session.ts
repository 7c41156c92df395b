import { type AbortCheck, type ModelConfig, UsageError } from '@npu-llama/format';
import { type ProductListener, ProductWatch } from './product-watch.js';
import type { Session, SessionOptions } from './session.js';
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
  sessionClosed(session: LocalSession): unknown;
}

/** What only a worker asks for. */
export interface LocalSessionOptions extends SessionOptions {
  /** Gives zeroed memory for logits: of a kind that another thread sees. */
  readonly newLogits?: (count: number) => Float32Array;
}

/** A session on a device that this thread drives. */
export class LocalSession implements Session {
  readonly #host: SessionHost;
  #workspace: Workspace | undefined;
  #length = 0;
  #busy = false;
  #logits: Float32Array;
  readonly #newLogits: (count: number) => Float32Array;
  readonly #watch: ProductWatch | undefined;

  constructor(host: SessionHost, { onProduct, newLogits }: LocalSessionOptions = {}) {
    this.#host = host;
    this.#watch = onProduct && new ProductWatch(guarded(onProduct, host));
    this.#workspace = host.workspaces.take();
    this.#newLogits = newLogits ?? (count => new Float32Array(count));
    this.#logits = this.#newLogits(host.config.vocabSize);
  }

  get config(): ModelConfig {
    return this.#host.config;
  }

  get length(): number {
    return this.#length;
  }

  get keyValues(): KvCache {
    return this.#openWorkspace.cache;
  }

  async forward(token: number, position: number): Promise<Float32Array> {
    return this.forwardBatch([token], position, { logits: 'last' });
  }

  async forwardBatch(
    tokens: readonly number[],
    firstPosition: number,
    options: { readonly logits: 'all' | 'last'; readonly signal?: AbortCheck },
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
    { logits: wanted, signal }: { readonly logits: 'all' | 'last'; readonly signal?: AbortCheck },
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
    if (this.#logits.length < count) this.#logits = this.#newLogits(count);
    return this.#logits.length === count ? this.#logits : this.#logits.subarray(0, count);
  }

  get #openWorkspace(): Workspace {
    if (this.#workspace === undefined) throw new UsageError('the session was used after close');
    return this.#workspace;
  }

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

/** One that closed the model or its device ends the pass: the results are unmapped, and to read them would end the process. */
function guarded(listener: ProductListener, host: SessionHost): ProductListener {
  return product => {
    listener(product);
    host.checkOpen();
  };
}
