import type { TokenCounts } from '../results.js';
import type { BoardParameters, Range } from './parameters.js';

/** One part of a token's time, in microseconds. */
export interface Term extends Range {
  readonly name: 'weights' | 'activations and programs' | 'multiply-accumulates' | 'submits' | 'host work';
}

export interface Prediction {
  readonly terms: readonly Term[];
  /** Microseconds a token. */
  readonly token: Range;
  readonly tokensPerSecond: Range;
}

/**
 * Time of one token on a board: bytes over bandwidth or multiply-accumulates over their rate, whichever is longer (the NPU
 * reads while it multiplies), then submits times their cost and the host's work, which wait for each other.
 * @param counts what a token asks of the device
 * @param hostMicroseconds on the board's CPU
 * @throws RangeError for more cores than the board has
 */
export function predictToken(
  counts: TokenCounts,
  hostMicroseconds: Range,
  board: BoardParameters,
): Prediction {
  const { cores } = counts;
  if (cores < 1 || cores > board.cores) throw new RangeError(`${cores} cores of ${board.cores}`);
  // Whether one core alone can draw all of the bandwidth is not published: at worst it has its share.
  const bandwidth = { best: board.bandwidth.best, worst: (board.bandwidth.worst * cores) / board.cores };
  const seconds = (amount: number, rate: Range): Range => ({
    best: amount / rate.best,
    worst: amount / rate.worst,
  });
  const streamed = (bytes: number): Range => inMicroseconds(seconds(bytes, bandwidth));
  const { featureBytes, resultBytes, programBytes } = counts;
  const macRate = { best: board.macRate.best * cores, worst: board.macRate.worst * cores };
  const weights: Term = { name: 'weights', ...streamed(counts.weightBytes) };
  const rest: Term = {
    name: 'activations and programs',
    ...streamed(featureBytes + resultBytes + programBytes),
  };
  const macs: Term = { name: 'multiply-accumulates', ...inMicroseconds(seconds(counts.macs, macRate)) };
  const submits: Term = {
    name: 'submits',
    best: counts.submits * board.submitMicroseconds.best,
    worst: counts.submits * board.submitMicroseconds.worst,
  };
  const host: Term = { name: 'host work', ...hostMicroseconds };
  const total = (end: keyof Range): number =>
    Math.max(weights[end] + rest[end], macs[end]) + submits[end] + host[end];
  const token = { best: total('best'), worst: total('worst') };
  return {
    terms: [weights, rest, macs, submits, host],
    token,
    tokensPerSecond: { best: 1e6 / token.best, worst: 1e6 / token.worst },
  };
}

function inMicroseconds({ best, worst }: Range): Range {
  return { best: best * 1e6, worst: worst * 1e6 };
}

/** Terms that a change to this project could make smaller, the most to win first: by the middle of their ranges. */
export function termsToAttack({ terms }: Prediction): readonly Term[] {
  const middle = ({ best, worst }: Term): number => (best + worst) / 2;
  // Hidden behind the reading of weights.
  return terms.filter(({ name }) => name !== 'multiply-accumulates').sort((a, b) => middle(b) - middle(a));
}
