import { setImmediate as nextTurn } from 'node:timers/promises';
import { CLASSIFIER_MATRIX, UsageError } from '@npu-llama/format';
import type { KeyValues, PlacedMatrix } from '../../npu/npu-under-test.js';
import type { SignedFinding } from '../finding.js';
import { MatrixTally } from '../matrix-tally.js';
import type { ModelWeights } from '../model-weights.js';
import type { MatrixUnderTest } from '../product-row.js';
import type { RecordedRow, Recorder } from '../recorder.js';
import { PRODUCT_TOLERANCE, STEP_TOLERANCE } from '../tolerances.js';
import { auditProducts } from './audit-products.js';
import { auditSteps, type PositionState, startPositions } from './audit-steps.js';
import { logitsFinding } from './check-logits.js';

export interface AuditOptions {
  /** What was recorded of the session, from position 0 on. */
  readonly recorder: Recorder;
  /** The tokens fed, from position 0 on. */
  readonly tokens: readonly number[];
  readonly weights: ModelWeights;
  /** Where the matrices stand on the device. */
  readonly placed: readonly PlacedMatrix[];
  /** What the session holds now, where it can be seen. */
  readonly keyValues?: KeyValues;
  /** [vocabSize] f32 logits that the session returned for a position, where they were kept. */
  readonly logits?: (position: number) => Float32Array | undefined;
  /** Of a product's sum of magnitudes, and of a step's result. */
  readonly tolerances?: { readonly product: number; readonly step: number };
  /** Sums up the matrices over several audits. */
  readonly tally?: MatrixTally;
  readonly signal?: AbortSignal;
}

/** What is wrong at one position. */
export interface AuditedPosition {
  /** The first place in the order of the data flow, and how many in all. */
  readonly first: string;
  readonly wrongPlaces: number;
}

export interface Audit {
  /** In the order of the data flow. */
  readonly findings: readonly SignedFinding[];
  /** The positions at which anything is wrong. */
  readonly positions: ReadonlyMap<number, AuditedPosition>;
  /** Positions that were looked at. */
  readonly audited: readonly number[];
  readonly tally: MatrixTally;
}

/**
 * Checks what a session did at the recorder's positions, product by product and step by step, each from its own traced
 * inputs: an error is found where it is made, and what follows from it is right again. Makes no run. Time: the products of
 * the audited positions on the CPU.
 * @throws UsageError when positions before an audited one were not recorded; the signal's reason between two matrices
 */
export async function auditRuns(options: AuditOptions): Promise<Audit> {
  const { recorder, weights, placed, signal, tally = new MatrixTally() } = options;
  const tolerances = options.tolerances ?? { product: PRODUCT_TOLERANCE, step: STEP_TOLERANCE };
  const matrices = matricesUnderTest(recorder, placed);
  const audited = recorder.positions();
  const states = startPositions(audited, options.tokens, weights);
  const findings: SignedFinding[] = [];
  const add = (found: readonly (SignedFinding | undefined)[]): void => {
    findings.push(...found.filter(finding => finding !== undefined));
  };
  for (const matrix of matrices) {
    await nextTurn();
    signal?.throwIfAborted();
    const recorded = recordedRows(recorder, matrix.layout.name, states);
    add(auditSteps({ ...options, matrix: matrix.layout, states, recorded, tolerance: tolerances.step }));
    const products = { matrix, recorded, weights, tally, tolerance: tolerances.product };
    add([await auditProducts({ ...products, ...(signal && { signal }) })]);
    if (matrix.layout.name === CLASSIFIER_MATRIX) {
      add([logitsFinding(recorded, weights.config.vocabSize, options.logits)]);
    }
  }
  return { findings, positions: byPosition(findings), audited, tally };
}

/** The recorded rows of a matrix; a position whose forward pass did not get so far is left out from here on. */
function recordedRows(recorder: Recorder, matrix: string, states: Map<number, PositionState>): RecordedRow[] {
  const rows: RecordedRow[] = [];
  for (const position of states.keys()) {
    const row = recorder.row(matrix, position);
    if (row !== undefined) rows.push(row);
    else if (matrix !== CLASSIFIER_MATRIX) states.delete(position);
  }
  return rows;
}

function matricesUnderTest(recorder: Recorder, placed: readonly PlacedMatrix[]): MatrixUnderTest[] {
  const byName = new Map(placed.map(matrix => [matrix.name, matrix]));
  return recorder.matrices.map(layout => {
    const place = byName.get(layout.name);
    if (place === undefined) throw new UsageError(`the device has no matrix ${layout.name}`);
    return { layout, placed: place };
  });
}

function byPosition(findings: readonly SignedFinding[]): Map<number, AuditedPosition> {
  const positions = new Map<number, AuditedPosition>();
  for (const { finding, positions: at } of findings) {
    for (const position of at) {
      const known = positions.get(position);
      positions.set(position, {
        first: known?.first ?? finding.place,
        wrongPlaces: (known?.wrongPlaces ?? 0) + 1,
      });
    }
  }
  return positions;
}
