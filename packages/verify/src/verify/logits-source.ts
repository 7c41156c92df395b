/** A model whose logits are to be checked: an NPU's, or a fake's in a test. */
export interface LogitsModel {
  createSession(): LogitsSession;
}

/** One text going through it. */
export interface LogitsSession {
  /**
   * Runs tokens at consecutive positions.
   * @returns [tokens.length][vocabSize] f32 logits, valid until the next call
   */
  forward(tokens: readonly number[], firstPosition: number): Promise<Float32Array>;
  close(): Promise<void>;
}
