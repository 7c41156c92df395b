export { type CheckPromptOptions, checkPrompt } from './check-prompt.js';
export {
  encodeGolden,
  GOLDEN_SCHEMA_VERSION,
  type Golden,
  type GoldenPosition,
  type GoldenPrompt,
  readGolden,
} from './golden-file.js';
export { recordGolden } from './record-golden.js';
export { type RecordOptions, recordPrompt } from './record-prompt.js';
export { requireRecorded } from './require-recorded.js';
export { compareWithSketch, type Sketch, sketchOf } from './sketch.js';
