import type { NpuFile, Vocabulary } from '@npu-llama/format';
import type { MatrixTally, ModelWeights } from '../diagnose/index.js';
import type { NpuUnderTest } from '../npu/npu-under-test.js';
import type { Tolerances } from '../report/schema.js';
import type { ReportDraft } from './report-draft.js';

/** What everything that is found out about a device is found out with. */
export interface Subject {
  readonly npu: NpuUnderTest;
  readonly model: NpuFile;
  /** To show tokens with. */
  readonly vocabulary: Vocabulary | undefined;
  readonly tolerances: Tolerances;
  /** What the weights should be. */
  readonly truth: ModelWeights;
  /** Sums up what is found out about each matrix. */
  readonly tally: MatrixTally;
  readonly draft: ReportDraft;
  readonly signal: AbortSignal;
  readonly watcher: Watcher;
}

/** Begins a stage: for who watches, and for what is noted during it. */
export function enter({ watcher, draft }: Subject, stage: string, total: number): void {
  draft.stage = stage;
  watcher.stage(stage, total);
}

/** Who is told how far it is. */
export interface Watcher {
  /** A stage begins; `total` of its units are to come. */
  stage(name: string, total: number): void;
  update(done: number): void;
  /** Something is known: lines for people. */
  say(lines: readonly string[]): void;
  /** What must be seen even where the result goes to a machine. */
  warn(text: string): void;
}
