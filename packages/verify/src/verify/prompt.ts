/** How free mode draws; temperature 0 takes the best token. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly seed: bigint;
}

/**
 * forced: the FP32 reference's tokens go to both. free: each goes its own way, until they part.
 */
export type Mode = 'forced' | 'free';

/** A text to verify with, and how. */
export interface Prompt {
  /** Its place among the prompts, from 1: how reports call it. */
  readonly number: number;
  readonly name: string;
  readonly text: string;
  /** The text's tokens, BOS first. */
  readonly tokens: readonly number[];
  readonly mode: Mode;
  /** Of free mode; greedy without. */
  readonly sampling?: Sampling;
  /**
   * Positions to compare, the prompt's own included. Default: DEFAULT_POSITION_COUNT, or the prompt's tokens if those are
   * more, but never more than the model's seqLen.
   */
  readonly positionCount?: number;
}
