import type { ModelConfig } from '@npu-llama/format';
import type { ProductListener } from './product-watch.js';
import type { KvCache } from './workspace.js';

export interface SessionOptions {
  /**
   * Told of every product that the NPU makes for this session, in the order of the data flow: for verification, and for those
   * who want to see inside. It may not run the model itself. Other sessions are not shown, and without it nothing is copied.
   */
  readonly onProduct?: ProductListener;
}

/** One text in the making: a KV cache on a model. Sessions of one model take turns. */
export interface Session extends AsyncDisposable {
  /** The model's dimensions. */
  readonly config: ModelConfig;
  /** Positions in the cache: the next token goes to this one, or any before it. */
  readonly length: number;
  /**
   * The keys and values themselves, a view that changes with every call: what stands at `length` and behind it is not to be
   * relied on, and whoever writes to it changes what the session computes. Not to be touched after close(): another session
   * may have it then.
   * @throws UsageError after close(), and of a device in a worker
   */
  readonly keyValues: KvCache;
  /**
   * Runs one token. A position before `length` rewinds the session to it.
   * @returns logits [vocabSize] f32, valid until the session's next call
   * @throws UsageError for a token or position that the model does not have, DeviceError when the device fails
   */
  forward(token: number, position: number): Promise<Float32Array>;
  /**
   * Runs tokens at consecutive positions, as many as the NPU takes at a time; others get their turn in between.
   * @returns logits [tokens.length][vocabSize] f32 with 'all', [vocabSize] of the last token with 'last'; valid until the
   *   session's next call
   * @throws as forward; the signal's reason when it is aborted in between; UsageError while another call is under way
   */
  forwardBatch(
    tokens: readonly number[],
    firstPosition: number,
    options: { readonly logits: 'all' | 'last'; readonly signal?: AbortSignal },
  ): Promise<Float32Array>;
  /** Gives the KV cache back to the model. Called again it waits for the first call, and does nothing else. */
  close(): Promise<void>;
}
