import type {
  Comparison,
  Diagnosis,
  Excess,
  MatrixReport,
  PositionReport,
  PromptReport,
  RunReport,
  VerifyReport,
} from '../../src/report/schema.js';
import { promptVerdict, summarise, worstVerdict } from '../../src/report/summary.js';

/** Parts of reports as a nightly run makes them, every figure from a seed; the samples below are made of them. */

const LAYERS = 6;
/** In the order of the data flow. */
const MATRICES = ['wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2'] as const;
export const TOLERANCES: VerifyReport['tolerances'] = {
  fp32: { margin: 0.03, positionRms: 0.1, meanRms: 0.01, kl: 0.02 },
  fp16: { margin: 0.002, positionRms: 0.01, meanRms: 0.0005, kl: 0.0005 },
  product: 2e-6,
  step: 1e-5,
};

const STORY =
  'Once upon a time a small fox lived under the old bridge . Every morning the fox counted the boats , and every evening it counted them again . ' +
  'One day there was a boat too many . It was red and had no oars , and a duck slept in it . " Whose boat is this ? " asked the fox . ' +
  'The duck opened one eye . " It is the river\'s , " she said . " I only keep it warm . " So the fox sat down beside her and kept it warm too .';
/** Token 0 is <unk>, 1 and 2 llama2.c's BOS and EOS. */
const PIECES = ['<unk>', '\n<s>\n', '\n</s>\n', ...new Set(STORY.split(' ').map(word => ` ${word}`))];
const STORY_TOKENS = STORY.split(' ').map(word => PIECES.indexOf(` ${word}`));

/** Numbers in [0, 1) that are the same every time (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The token fed at a position: BOS, then the story over and over. */
export function tokenAt(position: number): number {
  return position === 0 ? 1 : STORY_TOKENS[(position - 1) % STORY_TOKENS.length]!;
}

export function buildComparison(
  token: number,
  relativeRms: number,
  klDivergence: number,
  overrides: Partial<Comparison> = {},
): Comparison {
  return {
    referenceToken: token,
    referenceBest: 8.8457,
    npuToken: token,
    npuBest: 8.8412,
    margin: 0,
    spread: 3.1,
    relativeRms,
    klDivergence,
    maxDifference: relativeRms * 9,
    maxDifferenceToken: 3,
    cosine: 1 - relativeRms ** 2,
    ...overrides,
  };
}

/** A position of a device that is right, a little off as FP16 is. */
export function buildPosition(
  position: number,
  random: () => number,
  overrides: Partial<PositionReport> = {},
): PositionReport {
  const next = tokenAt(position + 1);
  const rms = 5e-4 * (1 + random()) * (1 + 0.4 * Math.sin(position / 9));
  return {
    position,
    token: tokenAt(position),
    referenceToken: next,
    fp32: buildComparison(next, rms, rms * rms * 0.6),
    fp16: buildComparison(next, rms * 0.02, rms * rms * 3e-4),
    cost: { margin: 0, relativeRms: rms * 0.99, klDivergence: rms * rms * 0.59 },
    failures: [],
    accuracy: [],
    ...overrides,
  };
}

/** A position where the NPU chooses another token, and fails for it. */
export function buildWrongPosition(position: number, random: () => number): PositionReport {
  const next = tokenAt(position + 1);
  const drawn = 3 + Math.floor(random() * 20);
  const other = drawn === next ? drawn + 1 : drawn;
  const margin = 0.2 + random();
  const differing = { npuToken: other, npuBest: 8.9012, margin };
  const kl = 0.05 + random() * 0.3;
  const rms = 0.12 + random() * 0.2;
  const excess = (yardstick: 'fp32' | 'fp16'): Excess[] => [
    { kind: 'token', yardstick, got: margin, tolerance: TOLERANCES[yardstick].margin * 3.1 },
    { kind: 'positionRms', yardstick, got: rms, tolerance: TOLERANCES[yardstick].positionRms },
    { kind: 'klDivergence', yardstick, got: kl, tolerance: TOLERANCES[yardstick].kl },
  ];
  return buildPosition(position, random, {
    fp32: buildComparison(next, rms, kl, differing),
    fp16: buildComparison(next, rms, kl, differing),
    audited: true,
    failures: excess('fp16'),
    accuracy: excess('fp32'),
  });
}

export interface PromptOptions extends Partial<Omit<PromptReport, 'positions' | 'summary' | 'verdict'>> {
  /** How many positions. */
  readonly count?: number;
  /** Positions where the NPU chooses wrongly. */
  readonly wrong?: readonly number[];
  /** Changes positions as they are made. */
  readonly change?: (position: PositionReport) => PositionReport;
}

/** A prompt with its positions, its summary and its verdict. */
export function buildPrompt({
  count = 96,
  wrong = [],
  change = same => same,
  ...fields
}: PromptOptions = {}): PromptReport {
  const number = fields.number ?? 1;
  const random = randomOf(number);
  const positions = Array.from({ length: count }, (_, i) =>
    change(wrong.includes(i) ? buildWrongPosition(i, random) : buildPosition(i, random)),
  );
  const { failures = [], accuracy = [] } = fields;
  const perplexity = { fp32: 4.1, fp16: 4.1004, npu: wrong.length === 0 ? 4.1005 : 5.9 };
  return {
    run: 0,
    number,
    name: `story ${number}`,
    mode: 'forced',
    text: 'Once upon a time a small fox',
    promptTokens: 8,
    seconds: 12.5,
    pieces: Object.fromEntries(PIECES.map((piece, token) => [token, piece])),
    ...fields,
    failures,
    accuracy,
    verdict: promptVerdict({ failures, accuracy, positions }),
    positions,
    summary: summarise([{ number, positions, summary: { perplexity } }]),
  };
}

/** Every matrix of the model; those in `wrong` with how far they are beyond their tolerance. */
export function buildMatrices(wrong: Readonly<Record<string, number>> = {}, run = 0): MatrixReport[] {
  const random = randomOf(run + 7);
  const names = Array.from({ length: LAYERS }, (_, layer) => MATRICES.map(kind => ({ layer, kind }))).flat();
  const build = (name: string, kind: string, layer?: number): MatrixReport => {
    const worst = wrong[name] ?? 0.02 + 0.4 * random() ** 2;
    return {
      run,
      name,
      ...(layer !== undefined && { layer }),
      kind,
      verdict: worst > 1 ? 'fail' : 'pass',
      seconds: 0.12,
      rows: 8,
      outputs: 8 * 288,
      wrong: worst > 1 ? 128 : 0,
      worst,
      ...(worst > 1 && { wrongWeights: { file: 0, memory: 3 } }),
    };
  };
  return [
    ...names.map(({ layer, kind }) => build(`layers.${layer}.${kind}`, kind, layer)),
    build('classifier', 'classifier'),
  ];
}

export function buildDiagnosis(overrides: Partial<Diagnosis> = {}): Diagnosis {
  return {
    run: 0,
    prompt: 2,
    position: 41,
    findings: [
      {
        place: 'layers.3.w2',
        what: 'product',
        wrong: 16,
        of: 288,
        ranges: [[32, 47]],
        common: ['one 16-row group', 'core 1, task 2', 'every position'],
        example: { position: 41, output: 33, got: 0, wanted: 1.2513, tolerance: 2.1e-5 },
      },
      {
        place: 'layers.3.w2',
        what: 'weights',
        wrong: 3,
        of: 221184,
        ranges: [[33, 33]],
        common: ['in memory only: the file is right'],
      },
    ],
    conclusions: [
      'One 16-row group that is wrong at every position, with weights in memory that the file does not have: the buffer was overwritten, or its upload was cut short.',
      'Load the model again and repeat; if the same group is wrong again, suspect the memory of the board.',
    ],
    ...overrides,
  };
}

export function buildRun(overrides: Partial<RunReport> = {}): RunReport {
  return {
    startedAt: '2025-11-20T02:00:07.123Z',
    seconds: 61.4,
    verdict: 'pass',
    machine: { host: 'board-a', kernel: '5.10.160-rockchip', arch: 'arm64', node: 'v20.20.2' },
    device: {
      description: 'RK3588 NPU, rknpu 0.9.8 at /dev/dri/card1, 3 cores, 1 row a job',
      kind: 'rknpu',
      driver: 'rknpu 0.9.8 at /dev/dri/card1',
      cores: 3,
      decodeRows: 1,
      ffi: 'koffi',
    },
    tokensPerSecond: { fp32: 9.1, fp16: 8.7, npu: 22.4 },
    ...overrides,
  };
}

/** A report of these parts; the summary and the verdict follow from them unless they are given. */
export function buildReport(parts: Partial<VerifyReport> = {}): VerifyReport {
  const prompts = parts.prompts ?? [];
  const matrices = parts.matrices ?? [];
  const stability = parts.stability ?? [];
  const runs = (parts.runs ?? [buildRun()]).map((run, index) => {
    const own = [...prompts, ...matrices].filter(part => part.run === index).map(({ verdict }) => verdict);
    const steady = stability.filter(one => one.run === index).every(({ identical }) => identical);
    return { ...run, verdict: worstVerdict([run.verdict, ...own, steady ? 'pass' : 'fail']) };
  });
  return {
    schemaVersion: 2,
    tool: { name: 'verify-npu', version: '0.1.0' },
    verdict: worstVerdict(runs.map(({ verdict }) => verdict)),
    command: 'verify-npu models/tales.npu --reference models/tales.bin --suite suite.json',
    suite: { name: 'tales', sha256: '5d'.repeat(32) },
    model: {
      path: 'models/tales.npu',
      bytes: 4_521_984,
      headerSha256: '3a'.repeat(32),
      source: { name: 'tales.bin', sha256: 'c0'.repeat(32), version: 1 },
      converter: 'convert-weights 0.1.0',
      saturated: 0,
      sharedClassifier: true,
      config: {
        dim: 288,
        hiddenDim: 768,
        layerCount: LAYERS,
        headCount: 6,
        kvHeadCount: 6,
        vocabSize: 512,
        seqLen: 256,
      },
    },
    reference: { kind: 'checkpoint', path: 'models/tales.bin', sha256: 'c0'.repeat(32) },
    tolerances: TOLERANCES,
    accuracyCounts: false,
    summary: summarise(prompts),
    prompts,
    matrices,
    diagnoses: [],
    stability,
    notes: [],
    ...parts,
    runs,
  };
}
