import { OutputFiles, refuseInputs } from '../../engine/index.js';
import { failedPromptLines, mergeReports, readReport, reportEndLines } from '../../report/index.js';
import type { MergeOptions } from '../options.js';
import { Terminal } from '../terminal.js';
import { publish } from './conclude.js';

/**
 * `verify-npu merge <report.json> ...`: one report of several boards.
 * @throws FileError for what is no report, UsageError for reports that do not belong together
 */
export async function runMerge(options: MergeOptions): Promise<number> {
  using terminal = new Terminal(options.report.json ? 'nothing' : 'lines');
  const { output, junit, html } = options.report;
  refuseInputs([output, junit, html], options.reports);
  const reports = options.reports.map(path => ({ path, report: readReport(path) }));
  const merged = mergeReports(reports);
  using files = new OutputFiles(options.report);
  terminal.say(failedPromptLines(merged));
  return await publish(merged, reportEndLines(merged), { options, terminal, files });
}
