import { auditRuns, Recorder, type SignedFinding } from '../diagnose/index.js';
import type { WatchedSession } from '../npu/npu-under-test.js';
import type { Failure } from '../report/schema.js';
import type { Subject } from './subject.js';

/** What an audit of one prompt found. */
export interface AuditResult {
  readonly audited: readonly number[];
  /** What is wrong at a position. */
  readonly failures: ReadonlyMap<number, Failure>;
  readonly findings: readonly SignedFinding[];
}

/** Watches one prompt's session, to check its products and steps one by one afterwards. */
export class Audit {
  readonly #subject: Subject;
  readonly #recorder: Recorder;
  readonly #session: WatchedSession;
  readonly #logits = new Map<number, Float32Array>();
  readonly #positions: ReadonlySet<number>;

  /** @param positions to be checked */
  constructor(subject: Subject, positions: ReadonlySet<number>) {
    const { model, npu } = subject;
    this.#subject = subject;
    this.#positions = positions;
    this.#recorder = new Recorder({
      config: model.config,
      matrices: model.matrices,
      audited: position => positions.has(position),
    });
    this.#session = npu.watch(this.#recorder.onMatrix);
  }

  /** To run the prompt in; whoever does closes it. */
  get session(): WatchedSession {
    return this.#session;
  }

  /** @param logits [vocabSize] f32 of a position; copied where it is audited */
  keepLogits(position: number, logits: Float32Array): void {
    if (this.#positions.has(position)) this.#logits.set(position, logits.slice());
  }

  /** Checks what was recorded; before the session is closed. @param tokens fed, from position 0 on */
  async finish(tokens: readonly number[]): Promise<AuditResult> {
    const { npu, truth, tolerances, tally, signal } = this.#subject;
    const { audited, positions, findings } = await auditRuns({
      recorder: this.#recorder,
      tokens,
      weights: truth,
      placed: npu.matrices,
      keyValues: this.#session.keyValues,
      logits: position => this.#logits.get(position),
      tolerances,
      tally,
      signal,
    });
    const failures = new Map<number, Failure>();
    for (const [position, { first, wrongPlaces }] of positions) {
      failures.set(position, { kind: 'audit', first, wrongPlaces });
    }
    return { audited, failures, findings };
  }
}
