import type { Diagnosis } from '../report/schema.js';
import type { Audit } from './audit/audit.js';
import { checkMatrix, findMatrix, type MatrixChecks } from './check-matrix.js';
import { conclude } from './conclusions.js';
import type { SignedFinding } from './finding.js';
import { flowOrder, matrixOf } from './flow-order.js';
import { MatrixTally } from './matrix-tally.js';
import { MatrixProbe } from './probe/matrix-probe.js';
import { rowsAround } from './probe/random-rows.js';
import type { Recorder } from './recorder.js';
import type { ReferenceInputs } from './reference-inputs.js';
import type { Sign } from './signs/sign.js';
import { PRODUCT_TOLERANCE } from './tolerances.js';
import { checkTensors } from './weights/check-tensors.js';

export interface DiagnosePositionOptions extends Omit<MatrixChecks, 'tally' | 'tolerance'> {
  /** The position, and what the reference fed each matrix there. */
  readonly inputs: ReferenceInputs;
  /** What was recorded of the session that failed: says in which job and row the position ran. */
  readonly recorder?: Recorder;
  /** What was found in that session. */
  readonly audit?: Audit;
  /** Where that session was a repetition: what was found in the one before. */
  readonly found?: readonly SignedFinding[];
  /** Names of matrices, fused or not; by default all. */
  readonly matrices?: readonly string[];
  /** Times that each job runs (default 3), to see what is not the same each time. */
  readonly repeats?: number;
  readonly tolerance?: number;
  readonly tally?: MatrixTally;
  /** Index into the report's runs; the prompt's number. */
  readonly run?: number;
  readonly prompt?: number;
  readonly onProgress?: (done: number, total: number, matrix: string | undefined) => void;
}

/**
 * Runs the matrices of one position again, each alone and fed what the reference fed it, so that no error comes from
 * anywhere else: in every job shape, several times, in the order of the data flow. What an audit of the session found
 * besides, steps of the CPU for one, joins the findings.
 * @throws what the device throws, the signal's reason
 */
export async function diagnosePosition(options: DiagnosePositionOptions): Promise<Diagnosis> {
  const { npu, weights, file, inputs, recorder, audit, repeats = 3 } = options;
  const { tally = new MatrixTally(), tolerance = PRODUCT_TOLERANCE } = options;
  const names = options.matrices ?? weights.matrices.map(({ name }) => name);
  const probe = new MatrixProbe(npu, tolerance);
  const alone: SignedFinding[] = file === undefined ? [] : checkTensors(weights, file);
  const missing: string[] = [];
  for (const [i, name] of names.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.(i, names.length, name);
    const matrix = findMatrix(npu, weights, name);
    const activation = inputs.of(matrix.layout);
    if (activation === undefined) {
      missing.push(name);
      continue;
    }
    const failed = recorder?.row(matrix.layout.name, inputs.position);
    const jobInputs = (jobRows: number) => {
      const at = failed?.jobRows === jobRows ? failed.jobRow : 0;
      return { rows: rowsAround(activation, jobRows, at), position: inputs.position, positionRow: at };
    };
    const check = { ...options, matrix, tally, tolerance, inputs: jobInputs, repeats };
    alone.push(...(await checkMatrix({ ...check, readThrough: 'unexplained' }, probe)));
  }
  options.onProgress?.(names.length, names.length, undefined);
  const again = [...alone, ...sessionFindings(audit, alone, inputs.position)];
  const findings = [...again, ...gone(options.found ?? [], again, inputs.position)].sort(
    (a, b) => flowOrder(a.finding.place) - flowOrder(b.finding.place),
  );
  return {
    run: options.run ?? 0,
    ...(options.prompt !== undefined && { prompt: options.prompt }),
    position: inputs.position,
    findings: findings.map(({ finding }) => finding),
    conclusions: [
      ...(findings.length === 0 ? [NOTHING] : conclude(findings, names.length)),
      ...(missing.length === 0 ? [] : [`${missing.join(', ')}: not run, there was no input for it`]),
    ],
  };
}

const NOTHING =
  'nothing is wrong where it was looked: every product of this position is right alone and, where that was audited, ' +
  'every step of the session; if the logits are wrong all the same, it is intermittent (repeat it, --soak) or in a position that was not audited';

/** What the session showed and the products alone do not: steps, and products that are right now. */
function sessionFindings(
  audit: Audit | undefined,
  alone: readonly SignedFinding[],
  position: number,
): SignedFinding[] {
  const wrongAlone = new Set(alone.filter(({ finding }) => finding.what !== 'weights').map(matrixOf));
  return (audit?.findings ?? []).flatMap((found): SignedFinding[] => {
    if (found.positions.length > 0 && !found.positions.includes(position)) return [];
    if (found.finding.what === 'step') return [found];
    if (wrongAlone.has(matrixOf(found))) return [];
    return [withSign(found, SESSION_ONLY)];
  });
}

/** What was found at first and is not found again. */
function gone(
  found: readonly SignedFinding[],
  again: readonly SignedFinding[],
  position: number,
): SignedFinding[] {
  const places = new Set(again.map(matrixOf));
  const here = found.filter(({ positions }) => positions.length === 0 || positions.includes(position));
  return here.filter(one => !places.has(matrixOf(one))).map(one => withSign(one, GONE));
}

function withSign(found: SignedFinding, sign: Sign): SignedFinding {
  const signs = [...found.signs, sign];
  return { ...found, signs, finding: { ...found.finding, common: signs.map(({ text }) => text) } };
}

const SESSION_ONLY: Sign = { key: 'sessionOnly', text: 'in the session, not alone' };
const GONE: Sign = { key: 'intermittent', text: 'not when the same text was run again' };
