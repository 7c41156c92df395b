export type { CheckResult, CheckStatus, Finding } from './check.js';
export type { DoctorOptions } from './context.js';
export { type DoctorReport, REPORT_VERSION, type RunDoctorOptions, runDoctor } from './run-doctor.js';
