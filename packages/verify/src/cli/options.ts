import type { InvestigationPlan } from '../engine/index.js';
import type { Shard, ToleranceChanges } from '../suite/index.js';

/** The command line of verify-npu, read. */
export type Options = VerifyOptions | RecordOptions | CheckOptions | MergeOptions;

/** `verify-npu <model.npu>`: against a checkpoint, or a sweep of the file's own weights. */
export interface VerifyOptions extends InvestigationOptions {
  readonly kind: 'verify';
  readonly model: string;
  /** The checkpoint; a sweep or single matrices do without. */
  readonly reference: string | undefined;
  readonly prompts: PromptOptions;
  /** Instead of prompts. */
  readonly suite: string | undefined;
  readonly tokenizer: string | undefined;
  /** Of the reference; undefined for as many as the machine runs at once. */
  readonly threads: number | undefined;
  readonly device: DeviceOptions;
  readonly report: ReportOptions;
}

/** `verify-npu record <checkpoint.bin>` */
export interface RecordOptions {
  readonly kind: 'record';
  readonly checkpoint: string;
  readonly suite: string;
  readonly output: string;
  /** Whether a record that is there already may be replaced. */
  readonly force: boolean;
  /** The .npu file that boards are to hold. */
  readonly model: string | undefined;
  readonly tokenizer: string | undefined;
  /** Of the references; undefined for as many as the machine runs at once. */
  readonly threads: number | undefined;
}

/** `verify-npu check <model.npu>` */
export interface CheckOptions extends InvestigationOptions {
  readonly kind: 'check';
  readonly model: string;
  readonly golden: string;
  readonly device: DeviceOptions;
  readonly report: ReportOptions;
}

/** `verify-npu merge <report.json> ...` */
export interface MergeOptions {
  readonly kind: 'merge';
  readonly reports: readonly string[];
  readonly report: ReportOptions;
}

export interface PromptOptions {
  readonly texts: readonly string[];
  /** A file with a prompt a line; `-` is stdin. */
  readonly file: string | undefined;
  /** A file that is one prompt. */
  readonly textFile: string | undefined;
  /** 0 for all that the model has. */
  readonly positions: number | undefined;
  readonly mode: 'forced' | 'free';
  readonly temperature: number;
  readonly topP: number;
  readonly seeds: readonly bigint[];
}

export interface DeviceOptions {
  readonly kind: 'auto' | 'rknpu' | 'sim';
  readonly path: string | undefined;
  readonly cores: number | undefined;
  /** Whether the .npu file's checksums are held against what is loaded. */
  readonly checksums: boolean;
}

/** How far to go. */
export interface InvestigationOptions extends InvestigationPlan {
  readonly shard: Shard | undefined;
  readonly tolerances: ToleranceChanges;
  /** Whether what FP16 costs counts for the verdict. */
  readonly accuracyCounts: boolean;
}

export interface ReportOptions {
  /** One JSON document on stdout instead of text. */
  readonly json: boolean;
  /** Files to write; undefined for none. */
  readonly output: string | undefined;
  readonly junit: string | undefined;
  readonly html: string | undefined;
}
