export { ofShard, parseShard, type Shard } from './shard.js';
export { readSuite, SUITE_SCHEMA_VERSION, type Suite, type SuitePrompt } from './suite-file.js';
export {
  changeTolerances,
  parseTolerance,
  TOLERANCE_NAMES,
  type ToleranceChanges,
  type ToleranceName,
} from './tolerance-names.js';
