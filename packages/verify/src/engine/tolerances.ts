import { DEFAULT_TOLERANCES as LOGITS_TOLERANCES } from '../compare/index.js';
import type { Tolerances } from '../report/schema.js';

/** Every tolerance, as it is when nobody changes it. */
export const DEFAULT_TOLERANCES: Tolerances = {
  ...LOGITS_TOLERANCES,
  product: 2 ** -19,
  step: 1e-4,
};
