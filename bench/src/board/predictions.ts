import { BUILD_NAMES } from '../native.js';
import { isPublishedShape } from '../published-shape.js';
import { measuredFigure, type Results, type TokenCounts } from '../results.js';
import { type Prediction, predictToken } from './model.js';
import {
  PUBLISHED_CPU_TOKENS_PER_SECOND,
  PUBLISHED_PORT,
  type Range,
  RK3588,
  WORST_CPU_FACTOR,
} from './parameters.js';

export interface BoardPredictions {
  /** A board's CPU is so many times slower than the measured machine's. */
  readonly cpuFactor: Range;
  /** Of host work as measured here, at the early position. */
  readonly measuredHostMicroseconds: number;
  /** By number of cores. */
  readonly ours: readonly { readonly counts: TokenCounts; readonly prediction: Prediction }[];
  /** The published port by the same model: whether its published rate is possible. */
  readonly port: readonly { readonly cores: number; readonly prediction: Prediction }[];
}

/** What the model says, from what was measured; undefined where a part of it was not measured. */
export function predictBoard(results: Results): BoardPredictions | undefined {
  const section = results.sections.find(one => one.counts !== undefined);
  // What is published of boards is of this shape.
  const counts = section !== undefined && isPublishedShape(section.shape) ? section.counts : undefined;
  const hostMs = measuredFigure(results, 'host.early')?.value;
  const plain = measuredFigure(results, 'decode.early')?.beside.find(
    ({ name }) => name === BUILD_NAMES.plain,
  )?.value;
  if (counts === undefined || hostMs === undefined || plain === undefined) return undefined;
  const best = Math.max(1, plain / PUBLISHED_CPU_TOKENS_PER_SECOND);
  const cpuFactor = { best, worst: best * WORST_CPU_FACTOR };
  const measuredHostMicroseconds = hostMs * 1000;
  const host = {
    best: measuredHostMicroseconds * cpuFactor.best,
    worst: measuredHostMicroseconds * cpuFactor.worst,
  };
  return {
    cpuFactor,
    measuredHostMicroseconds,
    ours: counts.map(one => ({ counts: one, prediction: predictToken(one, host, RK3588) })),
    port: counts.map(one => ({
      cores: one.cores,
      prediction: predictToken({ ...one, submits: PUBLISHED_PORT.submits }, portHost(), RK3588),
    })),
  };
}

/** Time that the published port's CPU was busy for a token. */
function portHost(): Range {
  const { tokensPerSecond, cpuBusy } = PUBLISHED_PORT;
  return {
    best: (cpuBusy.best / tokensPerSecond.best) * 1e6,
    worst: (cpuBusy.worst / tokensPerSecond.worst) * 1e6,
  };
}

/** Whether the port's published rate lies within what the model allows. */
export function isPlausible({ tokensPerSecond }: Prediction): boolean {
  const { best, worst } = PUBLISHED_PORT.tokensPerSecond;
  return tokensPerSecond.worst <= worst && best <= tokensPerSecond.best;
}
