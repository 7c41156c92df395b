import { CLASSIFIER_MATRIX, type TiledMatrix, UsageError } from '@npu-llama/format';
import type { NpuUnderTest } from '../npu/npu-under-test.js';
import type { FileWeights } from './file-weights.js';
import { productFinding, type SignedFinding } from './finding.js';
import type { MatrixTally } from './matrix-tally.js';
import type { ModelWeights } from './model-weights.js';
import { type InputRow, rowProducts } from './probe/input-rows.js';
import type { MatrixProbe } from './probe/matrix-probe.js';
import { type ReadThrough, readThrough } from './probe/read-through.js';
import { judgeOutputs, type MatrixUnderTest, type ProductRow } from './product-row.js';
import type { Sign } from './signs/sign.js';
import { untile } from './tile-layout.js';
import { productTolerance } from './tolerances.js';
import { checkWeights, weightsFinding } from './weights/check-weights.js';

/** What checks of single matrices have in common. */
export interface MatrixChecks {
  readonly npu: Pick<NpuUnderTest, 'matrices' | 'multiply' | 'readWeights'>;
  /** What the weights should be. */
  readonly weights: ModelWeights;
  /** The .npu file, where it is at hand. */
  readonly file?: FileWeights;
  readonly tally: MatrixTally;
  /** PRODUCT_TOLERANCE, or another in its place. */
  readonly tolerance: number;
  readonly signal?: AbortSignal;
}

export interface MatrixCheck extends MatrixChecks {
  readonly matrix: MatrixUnderTest;
  /** Input rows of a job of so many rows; `position` where row `positionRow` is that position's own. */
  readonly inputs: (jobRows: number) => {
    readonly rows: readonly InputRow[];
    readonly position?: number;
    readonly positionRow?: number;
  };
  /** Times that each job runs. */
  readonly repeats: number;
  /** Whether every weight is read through the device, or only those of a matrix that is wrong for no known reason. */
  readonly readThrough: 'always' | 'unexplained';
}

/**
 * Looks into one matrix: its weights in file and memory, then its products in every job shape. Findings come in that
 * order: what is wrong with the weights explains what is wrong with the products.
 * @throws what the device throws; the signal's reason between two jobs
 */
export async function checkMatrix(check: MatrixCheck, probe: MatrixProbe): Promise<SignedFinding[]> {
  const { matrix, npu, weights, tally, signal } = check;
  const { layout } = matrix;
  const tolerance = toleranceOf(check);
  const memory = npu.readWeights(layout.name);
  const found = checkWeights({ layout, weights, memory, tally, ...(check.file && { file: check.file }) });
  const tiles = weights.tiles(layout.name);
  const values = untile(tiles, layout);
  const rows = await runJobs(check, probe, values);
  tally.addProducts(layout, rows, tolerance);
  const evidence = { matrix, rows, weights: values };
  const explained = rightFor(tilesOf(memory), matrix, rows, tolerance) ? MEMORY_EXPLAINS : undefined;
  const finding = productFinding(evidence, tolerance, explained);
  const unexplained = finding !== undefined && !finding.signs.some(isWhat);
  if (check.readThrough === 'unexplained' && !unexplained) return [...found, ...(finding ? [finding] : [])];
  const through = await readThrough(probe, {
    ...{ matrix, weights: values, tiles, tolerance },
    ...(check.readThrough === 'always' && { tally }),
    ...(signal && { signal }),
  });
  return [...found, ...throughFindings(check, through, { finding, rows }, memory, values)];
}

function toleranceOf({ tolerance, matrix }: MatrixCheck): number {
  return productTolerance(tolerance, matrix.layout.columns);
}

/** Every job shape, the repeats outermost, so that no two jobs after each other leave the same results. */
async function runJobs(check: MatrixCheck, probe: MatrixProbe, values: Float32Array): Promise<ProductRow[]> {
  const { matrix, repeats, signal } = check;
  const jobs = matrix.placed.variants.map(({ rows }) => {
    const inputs = check.inputs(rows);
    return { ...inputs, products: rowProducts(values, inputs.rows, matrix.layout.columns) };
  });
  const rows: ProductRow[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const job of jobs) {
      signal?.throwIfAborted();
      rows.push(...(await probe.run(matrix, { ...job, repeat })));
    }
  }
  return rows;
}

/** Whether the wrong results (some of them) are the right ones for other weights; true where none is wrong. */
function rightFor(
  tiles: Uint16Array,
  { layout }: MatrixUnderTest,
  rows: readonly ProductRow[],
  tolerance: number,
): boolean {
  const wrong = rows.filter(row => row.wrong.length > 0).slice(0, ROWS_TO_EXPLAIN);
  if (wrong.length === 0) return true;
  const inputs = wrong.map((row): InputRow => ({ kind: 'dense', values: row.input }));
  const { sums, magnitudes } = rowProducts(untile(tiles, layout), inputs, layout.columns);
  return wrong.every(
    ({ output }, i) => judgeOutputs(output, sums[i]!, magnitudes[i]!, tolerance).wrong.length === 0,
  );
}

const ROWS_TO_EXPLAIN = 16;

/** Findings of the products and of the weights that the device was seen to multiply with. */
function throughFindings(
  check: MatrixCheck,
  { wrong, differences }: ReadThrough,
  { finding, rows }: { readonly finding: SignedFinding | undefined; readonly rows: readonly ProductRow[] },
  memory: Uint8Array,
  weights: Float32Array,
): SignedFinding[] {
  const { matrix } = check;
  const tolerance = toleranceOf(check);
  if (wrong.length === 0) return finding === undefined ? [] : [finding];
  const held = tilesOf(memory);
  // Where no weight differs, none explains anything.
  const fromMemory = differences.count > 0 && differences.elements.every(i => differences.got[i] === held[i]);
  // Dense inputs may miss a low bit that a column alone shows.
  const evidence = { matrix, rows: wrong, weights };
  const seen = finding ?? productFinding(evidence, tolerance, fromMemory ? MEMORY_EXPLAINS : undefined);
  if (seen === undefined) return [];
  const differs = !fromMemory && differences.count > 0 && !seen.signs.some(isWhat);
  return differs && rightFor(differences.got, matrix, rows, tolerance)
    ? [weightsFinding(differences, READS_OTHER), seen]
    : [seen];
}

const MEMORY_EXPLAINS: Sign = { key: 'memoryExplains', text: 'right for the weights that are in memory' };
const READS_OTHER: Sign = {
  key: 'readsOther',
  text: 'read through the device the weights are others than those in its memory',
};

function tilesOf(memory: Uint8Array): Uint16Array {
  return new Uint16Array(memory.buffer, memory.byteOffset, memory.byteLength / 2);
}

const WHERE_OR_WHEN: ReadonlySet<string> = new Set([
  ...['oneOutput', 'group', 'task', 'core', 'link', 'lane', 'padding', 'everyOutput', 'taskOffset'],
  ...[
    'decodeOnly',
    'batchOnly',
    'someHeights',
    'someJobRows',
    'everyPosition',
    'somePositions',
    'intermittent',
    // Nearly right: the weights that the device reads may say more.
    'rounding',
  ],
]);

/** Whether a sign says what wrong values are, not only where or when. */
function isWhat({ key }: Sign): boolean {
  return !WHERE_OR_WHEN.has(key);
}

/**
 * The fused matrix of a name as people write it: `layers.7.wqkv`, one of its parts (`layers.7.wk`), `classifier`.
 * @throws UsageError listing what there is
 */
export function findMatrix(npu: MatrixChecks['npu'], weights: ModelWeights, name: string): MatrixUnderTest {
  const layout = findLayout(weights, name);
  const placed = npu.matrices.find(matrix => matrix.name === layout.name);
  if (placed !== undefined) return { layout, placed };
  throw new UsageError(`the device has no matrix ${layout.name}`);
}

/** As findMatrix, before there is a device. */
export function findLayout(
  { matrices, config }: Pick<ModelWeights, 'matrices' | 'config'>,
  name: string,
): TiledMatrix {
  const layout = matrices.find(
    matrix => matrix.name === name || matrix.parts.some(({ source }) => source === name),
  );
  if (layout !== undefined) return layout;
  const last = config.layerCount - 1;
  throw new UsageError('no such matrix', {
    got: name,
    wanted: `layers.N.wq, wk, wv, wo, w1, w2, w3, wqkv or w13 with N from 0 to ${last}, or ${CLASSIFIER_MATRIX}`,
  });
}
