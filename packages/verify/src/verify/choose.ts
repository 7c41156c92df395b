import { BOS_TOKEN } from '@npu-llama/format';
import { argmax, findDefect } from '../compare/index.js';
import type { Failure, Fork } from '../report/schema.js';
import { type Draw, PairedDraws } from './draws.js';
import { forkAt } from './fork.js';
import type { Mode, Sampling } from './prompt.js';

/** What is fed after a position: a token, or nothing because the text is over or the two ways part. */
export interface Choice {
  /** Undefined where it ends here. */
  readonly next: number | undefined;
  readonly fork?: Fork;
  /** The device's runtime drew what its own logits do not give. */
  readonly failure?: Failure;
}

/** Decides after a position, from both sides' logits of it. */
export type Chooser = (position: number, reference: Float32Array, npu: Float32Array) => Choice;

/** @param npuDraw how the runtime under test draws in free mode; by default as the reference does */
export function chooser(mode: Mode, sampling?: Sampling, npuDraw?: Draw): Chooser {
  return mode === 'forced' ? forced : free(sampling, npuDraw);
}

/** The reference alone chooses, greedily, so that one wrong choice of the NPU's cannot hide what follows. */
const forced: Chooser = (_, reference) => ({ next: unlessOver(argmax(reference)) });

/**
 * Both choose, with the same coins; their ways part at the first choice that differs. Logits that cannot be compared choose
 * nothing: the text ends with them.
 */
function free(sampling: Sampling | undefined, npuDraw: Draw | undefined): Chooser {
  const draws = new PairedDraws(sampling, npuDraw);
  return (position, reference, npu) => {
    if (findDefect(npu, reference.length) !== undefined) return { next: undefined };
    const wanted = draws.reference(reference);
    const { token, failure } = draws.npu(npu);
    const fork =
      token === wanted ? undefined : forkAt(position, wanted, token, npu, other => reference[other]!);
    return {
      next: fork === undefined ? unlessOver(wanted) : undefined,
      ...(fork && { fork }),
      ...(failure && { failure }),
    };
  };
}

/** A text is over where BOS is drawn, as in llama2.c. */
function unlessOver(token: number): number | undefined {
  return token === BOS_TOKEN ? undefined : token;
}
