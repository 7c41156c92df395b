export { encodeReport, MAX_REPORT_BYTES, readReport } from './document.js';
export { junitXml } from './junit.js';
export { mergeReports } from './merge-reports.js';
export { promptReport } from './prompt-report.js';
export { reportHtml } from './report-html.js';
export { failedPromptLines, promptReportLines, reportEndLines, reportLines } from './report-lines.js';
export * from './schema.js';
export { promptVerdict, summarise, worstVerdict } from './summary.js';
