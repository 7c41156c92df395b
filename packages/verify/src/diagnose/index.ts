export { type Audit, type AuditedPosition, type AuditOptions, auditRuns } from './audit/audit.js';
export { checkpointWeights } from './checkpoint-weights.js';
export { type FileWeights, openFileWeights } from './file-weights.js';
export type { SignedFinding } from './finding.js';
export { MatrixTally } from './matrix-tally.js';
export { type ModelWeights, matrixValues } from './model-weights.js';
export { Recorder, type RecorderOptions } from './recorder.js';
export type { Sign, SignKey } from './signs/sign.js';
export { PRODUCT_TOLERANCE, STEP_TOLERANCE } from './tolerances.js';
