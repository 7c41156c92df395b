export { type ConversionProgress, type ConvertOptions, convertCheckpoint } from './convert.js';
export { inspectModel, type ModelInspection } from './inspect.js';
export type { ConversionReport } from './report.js';
