import type { Diagnosis, MatrixReport } from '../report/schema.js';
import { checkMatrix, findMatrix, type MatrixChecks } from './check-matrix.js';
import { conclude } from './conclusions.js';
import type { SignedFinding } from './finding.js';
import { MatrixTally } from './matrix-tally.js';
import { MatrixProbe } from './probe/matrix-probe.js';
import { randomRows } from './probe/random-rows.js';
import { PRODUCT_TOLERANCE } from './tolerances.js';
import { checkTensors } from './weights/check-tensors.js';

export interface SweepOptions extends Omit<MatrixChecks, 'tally' | 'tolerance'> {
  /** Names of matrices, fused or not; by default all of the model, and its norms and embedding. */
  readonly matrices?: readonly string[];
  /** Of the random inputs. */
  readonly seed?: number;
  /** Times that each random job runs (default 2). */
  readonly repeats?: number;
  readonly tolerance?: number;
  /** Sums up the matrices together with what else was found out about them. */
  readonly tally?: MatrixTally;
  /** Told of a matrix's findings as soon as there are any: what was found must not be lost with a device that fails. */
  readonly onFindings?: (found: readonly SignedFinding[]) => void;
  /** Index into the report's runs. */
  readonly run?: number;
  /** Called before each matrix and at the end. */
  readonly onProgress?: (done: number, total: number, matrix: string | undefined) => void;
}

export interface Sweep {
  readonly diagnosis: Diagnosis;
  /** In the order of the data flow. */
  readonly matrices: readonly MatrixReport[];
  readonly findings: readonly SignedFinding[];
}

/**
 * Checks matrices one by one with seeded inputs, without a text: the weights in file and memory bit by bit, random products
 * in every job shape, and each weight read through the device with every bit. Needs no checkpoint: `weights` may be
 * the file's own.
 * @throws UsageError for a matrix that there is not, what the device throws, the signal's reason
 */
export async function sweep(options: SweepOptions): Promise<Sweep> {
  const { npu, weights, file, seed = 1, repeats = 2, tolerance = PRODUCT_TOLERANCE, run = 0 } = options;
  const { tally = new MatrixTally() } = options;
  const names = options.matrices ?? weights.matrices.map(({ name }) => name);
  const matrices = [...new Set(names.map(name => findMatrix(npu, weights, name).layout.name))].map(name =>
    findMatrix(npu, weights, name),
  );
  const probe = new MatrixProbe(npu, tolerance);
  const findings: SignedFinding[] = [];
  const add = (found: readonly SignedFinding[]): void => {
    findings.push(...found);
    if (found.length > 0) options.onFindings?.(found);
  };
  for (const [i, matrix] of matrices.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.(i, matrices.length, matrix.layout.name);
    const { columns } = matrix.layout;
    const inputs = (rows: number) => ({ rows: randomRows(rows, columns, seed + 1000 * i + rows) });
    const check = { ...options, matrix, tally, tolerance, inputs, repeats, readThrough: 'always' as const };
    add(await checkMatrix(check, probe));
  }
  if (file !== undefined && options.matrices === undefined) add(checkTensors(weights, file));
  options.onProgress?.(matrices.length, matrices.length, undefined);
  const diagnosis = {
    run,
    findings: findings.map(({ finding }) => finding),
    conclusions: conclude(findings, matrices.length),
  };
  return { diagnosis, matrices: tally.reports(run), findings };
}
