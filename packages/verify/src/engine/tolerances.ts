import { DEFAULT_TOLERANCES as LOGITS_TOLERANCES } from '../compare/index.js';
import { PRODUCT_TOLERANCE, STEP_TOLERANCE } from '../diagnose/index.js';
import type { Tolerances } from '../report/schema.js';

/** Every tolerance, as it is when nobody changes it. */
export const DEFAULT_TOLERANCES: Tolerances = {
  ...LOGITS_TOLERANCES,
  product: PRODUCT_TOLERANCE,
  step: STEP_TOLERANCE,
};
