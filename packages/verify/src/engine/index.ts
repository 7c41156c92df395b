export { headerSha256 } from './header-sha256.js';
export { type InvestigationPlan, investigate } from './investigate.js';
export { type DeviceChoice, type OpenSubjectOptions, openSubject } from './open-subject.js';
export { OutputFiles, type ReportFiles } from './output-files.js';
export { refuseInputs } from './refuse-inputs.js';
export { exitStatusOf, ReportDraft, type ReportSubject } from './report-draft.js';
export type { Subject, Watcher } from './subject.js';
export { DEFAULT_TOLERANCES } from './tolerances.js';
export type { ComparisonMeans, PromptTask, VerifiedPrompt } from './verify-prompts.js';
