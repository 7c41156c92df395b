import { ExitStatus, type NpuFile, ToolkitError, type Vocabulary } from '@npu-llama/format';
import { type DoctorTarget, doctorHint } from '@npu-llama/format/cli';
import { checkpointWeights, MatrixTally, openFileWeights } from '../../diagnose/index.js';
import {
  exitStatusOf,
  investigate,
  type OutputFiles,
  openSubject,
  type PromptTask,
  type ReportDraft,
  retryingNpu,
} from '../../engine/index.js';
import type { OpenNpu } from '../../npu/npu-under-test.js';
import type { ReferenceWeights } from '../../reference/index.js';
import { encodeReport, reportEndLines, type VerifyReport } from '../../report/index.js';
import type { DeviceOptions, InvestigationOptions, ReportOptions } from '../options.js';
import { print, type Terminal } from '../terminal.js';

/** What verify and check have in common once they know what to compare. */
export interface Conclusion {
  readonly options: InvestigationOptions & { readonly device: DeviceOptions; readonly report: ReportOptions };
  readonly openNpu: OpenNpu;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  readonly files: OutputFiles;
  readonly model: NpuFile;
  readonly vocabulary: Vocabulary | undefined;
  readonly draft: ReportDraft;
  readonly tasks: readonly PromptTask[];
  /** Of the checkpoint, where there is one. */
  readonly weights: ReferenceWeights | undefined;
}

/**
 * Opens the device, investigates, writes every report: also when the device fails, with what was found until then.
 * @returns the exit status
 */
export async function conclude(conclusion: Conclusion): Promise<number> {
  const { terminal, draft, signal } = conclusion;
  try {
    await investigateDevice(conclusion);
  } catch (error) {
    // What a step threw because it was interrupted is no verdict.
    if (signal.aborted) throw error;
    if (!(error instanceof ToolkitError)) {
      // A bug of ours, or no memory: hours of the device's answers must not be lost with it.
      if (!draft.isEmpty) {
        draft.fail({ message: String(error), exitStatus: ExitStatus.internal });
        await conclusion.files.write(draft.build());
      }
      throw error;
    }
    if (error.exitStatus === ExitStatus.usageOrFile && draft.isEmpty) throw error;
    const failure = { message: withHint(error, conclusion), exitStatus: error.exitStatus };
    draft.fail(failure);
    terminal.warn(failure.message.replaceAll('\n', ' '));
  }
  const report = draft.build();
  const { verdict, prompts, matrices } = report;
  // Where nothing was found out, the line on stderr has said why.
  const silent = verdict === 'error' && prompts.length + matrices.length === 0;
  return await publish(report, silent ? [] : reportEndLines(report), conclusion);
}

/** A device's error says, in the report too, how to look into the device. */
function withHint({ message, exitStatus }: ToolkitError, { options, model, draft }: Conclusion): string {
  if (exitStatus !== ExitStatus.device) return message;
  const { kind, path } = options.device;
  const simulated = draft.notes.some(note => note.kind === 'simulated');
  const target: DoctorTarget = {
    kind: simulated ? 'sim' : kind,
    path: simulated ? undefined : path,
    model: model.path,
  };
  return `${message}; ${doctorHint(target)}`;
}

async function investigateDevice(conclusion: Conclusion): Promise<void> {
  const { options, openNpu, signal, terminal, model, vocabulary, draft, tasks, weights } = conclusion;
  using fileWeights = openFileWeights(model.path);
  const opened = await openSubject({
    openNpu,
    choice: options.device,
    model,
    draft,
    watcher: terminal,
    signal,
  });
  try {
    const { tolerances } = draft;
    const npu = retryingNpu(opened, draft.noteRetry);
    const tally = new MatrixTally();
    const truth = weights
      ? checkpointWeights(weights, { saturated: model.description.saturated > 0 })
      : fileWeights;
    const subject = { npu, model, vocabulary, tolerances, truth, tally, draft, signal, watcher: terminal };
    await investigate(subject, tasks, options, {
      reference: weights,
      file: fileWeights,
    });
  } finally {
    await opened.close();
  }
}

/** Prints a report's last lines, then writes its files: a full disk leaves the verdict said. @returns the exit status */
export async function publish(
  report: VerifyReport,
  lines: readonly string[],
  {
    options,
    terminal,
    files,
  }: {
    readonly options: { readonly report: ReportOptions };
    readonly terminal: Terminal;
    readonly files: OutputFiles;
  },
): Promise<number> {
  terminal.say(lines);
  if (options.report.json) print([encodeReport(report)]);
  await files.write(report);
  return exitStatusOf(report);
}
