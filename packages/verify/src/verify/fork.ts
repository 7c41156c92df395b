import type { Fork } from '../report/schema.js';

/**
 * Where free mode parts: what each side takes, and what both think of it.
 * @param npu [vocabSize] f32 logits
 * @param referenceLogit the reference's logit of a token
 */
export function forkAt(
  position: number,
  wanted: number,
  got: number,
  npu: Float32Array,
  referenceLogit: (token: number) => number,
): Fork {
  const reference = { token: wanted, logit: referenceLogit(wanted), npuLogit: npu[wanted]! };
  const npuSide = { token: got, logit: npu[got]!, referenceLogit: referenceLogit(got) };
  return {
    position,
    reference,
    npu: npuSide,
    referenceMargin: reference.logit - npuSide.referenceLogit,
    npuMargin: npuSide.logit - reference.npuLogit,
  };
}
