export { type Extreme, type Figures, figuresOf, speedsOf } from './figures.js';
export {
  encodeReport,
  type PromptReport,
  REPORT_SCHEMA_VERSION,
  type ReportSubject,
  type VerifyReport,
  verifyReport,
} from './json.js';
export { promptLines, verdictLine } from './lines.js';
