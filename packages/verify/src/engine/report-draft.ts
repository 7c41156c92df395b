import { arch, hostname, release } from 'node:os';
import { ExitStatus, type NpuFile, type ToolkitError } from '@npu-llama/format';
import type { DeviceFacts } from '../npu/npu-under-test.js';
import {
  type Diagnosis,
  type MatrixReport,
  type Note,
  type PromptReport,
  REPORT_SCHEMA_VERSION,
  type RunReport,
  type Stability,
  type Tolerances,
  type VerifyReport,
} from '../report/schema.js';
import { summarise } from '../report/summary.js';
import type { OnRetry } from '../verify/index.js';
import { headerSha256 } from './header-sha256.js';

/** What is known before anything runs. */
export interface ReportSubject {
  readonly version: string;
  readonly command: string;
  readonly model: NpuFile;
  readonly reference: VerifyReport['reference'];
  readonly suite?: { readonly name: string; readonly sha256: string };
  readonly shard?: { readonly index: number; readonly count: number };
  readonly tolerances: Tolerances;
  readonly accuracyCounts: boolean;
}

/** Gathers what one run finds out; what it has found when a device fails is in the report as well. */
export class ReportDraft {
  readonly prompts: PromptReport[] = [];
  readonly matrices: MatrixReport[] = [];
  readonly diagnoses: Diagnosis[] = [];
  readonly stability: Stability[] = [];
  readonly notes: Note[] = [];
  /** Seconds in each one's forward passes, and the positions that they were for. */
  readonly speed = { fp32: 0, fp16: 0, npu: 0, positions: 0 };
  device: DeviceFacts | undefined;
  /** What is being done, for notes: `prompt 3`. */
  stage = '';
  readonly #subject: ReportSubject;
  readonly #startedAt = new Date();
  readonly #start = performance.now();
  #error: RunReport['error'];

  constructor(subject: ReportSubject) {
    this.#subject = subject;
  }

  note(kind: Note['kind'], text: string): void {
    this.notes.push({ run: 0, kind, text });
  }

  /** Notes a job that timed out and was run again. */
  readonly noteRetry: OnRetry = ({ what, error }) => {
    this.note(
      'timeoutRetried',
      `${this.stage}, ${what}: ${error.message}; the device was reset and the job run again`,
    );
  };

  /** Keeps why there is no verdict. An error that says that the numbers are wrong is one: the NPU fails. */
  fail(error: Pick<ToolkitError, 'message'> & { readonly exitStatus: number }): void {
    const { message, exitStatus } = error;
    // A device that computed wrong before it failed is wrong.
    this.#error =
      this.#error === undefined
        ? { message, exitStatus }
        : { ...this.#error, message: `${this.#error.message}; and then: ${message}` };
  }

  /** Whether nothing was found out yet. */
  get isEmpty(): boolean {
    return [this.prompts, this.matrices, this.diagnoses, this.stability].every(({ length }) => length === 0);
  }

  get accuracyCounts(): boolean {
    return this.#subject.accuracyCounts;
  }

  get tolerances(): Tolerances {
    return this.#subject.tolerances;
  }

  get verdict(): VerifyReport['verdict'] {
    if (this.#error !== undefined && this.#error.exitStatus !== ExitStatus.npuWrong) return 'error';
    const failed =
      this.#error !== undefined ||
      this.prompts.some(({ verdict }) => verdict === 'fail') ||
      this.matrices.some(({ verdict }) => verdict === 'fail') ||
      this.diagnoses.some(({ findings }) => findings.length > 0) ||
      this.stability.some(({ identical }) => !identical);
    return failed ? 'fail' : 'pass';
  }

  /** The document as it stands. */
  build(): VerifyReport {
    const { version, command, model, reference, suite, shard, tolerances, accuracyCounts } = this.#subject;
    const { source, converter, saturated, sharedClassifier, config } = model.description;
    const { speed, device, verdict } = this;
    const rate = (seconds: number): number => (seconds === 0 ? 0 : speed.positions / seconds);
    return {
      schemaVersion: REPORT_SCHEMA_VERSION,
      tool: { name: 'verify-npu', version },
      verdict,
      command,
      ...(suite && { suite }),
      model: {
        path: model.path,
        bytes: model.bytes,
        headerSha256: headerSha256(model),
        source,
        converter,
        saturated,
        sharedClassifier,
        config,
      },
      reference,
      tolerances,
      accuracyCounts,
      runs: [
        {
          startedAt: this.#startedAt.toISOString(),
          seconds: (performance.now() - this.#start) / 1000,
          verdict,
          ...(shard && { shard }),
          machine: { host: hostname(), kernel: release(), arch: arch(), node: process.version },
          ...(device && { device }),
          ...(speed.positions > 0 && {
            tokensPerSecond: { fp32: rate(speed.fp32), fp16: rate(speed.fp16), npu: rate(speed.npu) },
          }),
          ...(this.#error && { error: this.#error }),
        },
      ],
      summary: summarise(this.prompts),
      prompts: this.prompts,
      matrices: this.matrices,
      diagnoses: this.diagnoses,
      stability: this.stability,
      notes: this.notes,
    };
  }
}

/** The status that a command with this report ends with. */
export function exitStatusOf({ verdict, runs }: VerifyReport): number {
  if (verdict === 'pass') return ExitStatus.fine;
  const statuses = runs.flatMap(({ error }) => (error ? [error.exitStatus] : []));
  return verdict === 'fail' ? ExitStatus.npuWrong : Math.max(...statuses);
}
