import * as v from 'valibot';

/**
 * The document that --json writes, that merge reads and that every other report is made from. This file is its one
 * definition: types, reader and the published JSON schema (docs/report.schema.json) come from it.
 */

/** Raised when a field changes its meaning or goes; new fields do not raise it. */
export const REPORT_SCHEMA_VERSION = 2;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** JSON has no NaN and no infinities: they are text. */
const figure = v.union([v.number(), v.picklist(['NaN', 'Infinity', '-Infinity'])]);
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const verdict = v.picklist(['pass', 'fail']);
const yardstick = v.picklist(['fp32', 'fp16']);

/** How two sets of logits at one position differ. Logits in their own unit; left out is what a golden record does not hold. */
export const comparisonSchema = v.object({
  /** The reference's choice: its highest logit, the first of equals; and the logit. */
  referenceToken: count,
  referenceBest: v.number(),
  /** The NPU's choice and the logit that it gives it. */
  npuToken: count,
  npuBest: v.number(),
  /** By how much the reference finds the NPU's choice worse than its own best. */
  margin: v.number(),
  /** Standard deviation of the reference's logits over the vocabulary, at least 0.001. */
  spread: v.number(),
  /** Root of the mean square of all differences, as part of the spread. Estimated where the reference is a golden record. */
  relativeRms: v.number(),
  /** KL(reference || NPU) in nats. Of the top logits and the rest together where the reference is a golden record. */
  klDivergence: v.number(),
  /** Largest difference of a logit, and its token. */
  maxDifference: v.optional(v.number()),
  maxDifferenceToken: v.optional(count),
  /** Of the angle between both; 1 is the same direction. */
  cosine: v.optional(v.number()),
});

/** A figure beyond its tolerance. token: margin in logits; positionRms, meanRms: part of the spread; klDivergence: nats. */
export const excessSchema = v.object({
  kind: v.picklist(['token', 'positionRms', 'meanRms', 'klDivergence']),
  yardstick,
  got: v.number(),
  tolerance: v.number(),
});

/** Why the device is wrong: always against the FP16-aware reference, so that rounding is not mistaken for a fault. */
export const failureSchema = v.variant('kind', [
  excessSchema,
  /** Not as many logits as the vocabulary has tokens. */
  v.object({ kind: v.literal('length'), got: count, wanted: count }),
  /** NaN or infinite logits: the first, and how many. */
  v.object({ kind: v.literal('notFinite'), token: count, value: figure, count }),
  /** Products or steps in between that are wrong in themselves: the first in the order of the data flow. */
  v.object({ kind: v.literal('audit'), first: v.string(), wrongPlaces: count }),
  /** The runtime refused to go on: an activation that FP16 cannot hold, say. */
  v.object({ kind: v.literal('refused'), message: v.string() }),
  /** Free mode: from the NPU's own logits, with the same coin, another token should have been drawn. */
  v.object({ kind: v.literal('sampler'), got: count, wanted: count }),
  /** Logits that another run of the same tokens did not repeat bit by bit. */
  v.object({ kind: v.literal('unstable'), run: count, outputs: count }),
]);

export const positionSchema = v.object({
  position: count,
  /** The token fed. */
  token: count,
  /** The FP32 reference's next token. */
  referenceToken: count,
  /** NPU against the FP32 reference and against the FP16-aware one. */
  fp32: v.optional(comparisonSchema),
  fp16: v.optional(comparisonSchema),
  /** The FP16-aware reference (as "npu") against the FP32 one: what FP16 costs on any device. */
  cost: v.optional(v.object({ margin: v.number(), relativeRms: v.number(), klDivergence: v.number() })),
  /** Its products were checked one by one. */
  audited: v.optional(v.literal(true)),
  failures: v.array(failureSchema),
  /** Figures against FP32 beyond their tolerances: no fault of the device, but more than FP16 should cost. */
  accuracy: v.array(excessSchema),
});

const extreme = v.object({ value: v.number(), prompt: count, position: count });

/** What positions amount to against one yardstick; extremes and means are of those that could be compared. */
export const figuresSchema = v.object({
  /** Positions whose token differs by more than the tolerance, and by less. */
  differing: count,
  tied: count,
  largestDifference: v.optional(extreme),
  worstKl: v.optional(extreme),
  worstRelativeRms: v.optional(extreme),
  meanRelativeRms: v.optional(v.number()),
  leastCosine: v.optional(extreme),
});

export const summarySchema = v.object({
  positions: count,
  /** Positions that fail for any reason. */
  failing: count,
  /** Positions where FP16 costs more than it should, whatever the device. */
  inaccurate: count,
  fp32: v.optional(figuresSchema),
  fp16: v.optional(figuresSchema),
  /** Means of the positions' cost. */
  cost: v.optional(v.object({ differing: count, meanRelativeRms: v.number(), meanKl: v.number() })),
  /** exp of the mean of -log p(next token) over the tokens fed, each against the position before it. */
  perplexity: v.optional(
    v.object({ fp32: v.optional(v.number()), fp16: v.optional(v.number()), npu: v.optional(figure) }),
  ),
});

/** Free mode: where the two ways part. */
const forkSchema = v.object({
  /** Position whose logits chose differently; tokens before it are common. */
  position: count,
  reference: v.object({ token: count, logit: v.number(), npuLogit: v.number() }),
  npu: v.object({ token: count, logit: v.number(), referenceLogit: v.number() }),
  /** Reference's and NPU's preference for their own candidate, in logits. */
  referenceMargin: v.number(),
  npuMargin: v.number(),
});

export const promptSchema = v.object({
  /** Index into runs. */
  run: count,
  /** Its place among the prompts of the suite or command line, from 1. */
  number: count,
  name: v.string(),
  mode: v.picklist(['forced', 'free']),
  text: v.string(),
  sampling: v.optional(v.object({ temperature: v.number(), topP: v.number(), seed: v.string() })),
  verdict,
  /** How long both sides took together. */
  seconds: v.optional(v.number()),
  /** Tokens of the prompt itself, BOS included; the rest are the reference's choices. */
  promptTokens: count,
  /** Failures that are not of a single position. */
  failures: v.array(failureSchema),
  /** As a position's: what only shows as a mean. */
  accuracy: v.array(excessSchema),
  summary: summarySchema,
  positions: v.array(positionSchema),
  /** Of free mode: tokens in common, prompt included, and where they end; no fork means that they never did. */
  commonTokens: v.optional(count),
  fork: v.optional(forkSchema),
  /**
   * Text of each token as it is (`" dog"`), by the token in decimal; bytes that are no UTF-8 as `<0xF0>`. Only of tokens
   * that appear above. Whoever shows them escapes them: they come from a file.
   */
  pieces: v.record(v.string(), v.string()),
});

/** Everything that was found out about one matrix of the checkpoint. */
export const matrixSchema = v.object({
  run: count,
  /** `layers.3.wk`, `classifier`. */
  name: v.string(),
  /** Undefined for the classifier. */
  layer: v.optional(count),
  /** wq, wk, wv, wo, w1, w2, w3 or classifier. */
  kind: v.string(),
  verdict,
  seconds: v.optional(v.number()),
  /** Products compared (rows of activations), outputs compared and outputs wrong. */
  rows: count,
  outputs: count,
  wrong: count,
  /** Largest error of an output as part of its tolerance: up to 1 is right. */
  worst: figure,
  /** Weights that are not what they should be, where they were looked at. */
  wrongWeights: v.optional(v.object({ file: v.optional(count), memory: v.optional(count) })),
});

/** A place that is wrong in itself: a product, or a step of the CPU between two. */
export const findingSchema = v.object({
  /** `layers.3.w2`, `layers.3 attention`. */
  place: v.string(),
  what: v.picklist(['product', 'step', 'weights']),
  wrong: count,
  of: count,
  /** Rows of the matrix (outputs) that are wrong: first and last of each range; at most 16 ranges. */
  ranges: v.array(v.tuple([count, count])),
  /** What the wrong outputs have in common, in words: "core 1", "every position". */
  common: v.array(v.string()),
  example: v.optional(
    v.object({ position: v.optional(count), output: count, got: figure, wanted: figure, tolerance: figure }),
  ),
});

export const diagnosisSchema = v.object({
  run: count,
  /** What it was made for; left out for a sweep. */
  prompt: v.optional(count),
  position: v.optional(count),
  /** In the order of the data flow: the first is where to begin. */
  findings: v.array(findingSchema),
  /** What that usually means, in words. */
  conclusions: v.array(v.string()),
});

const unstableOutput = v.object({
  prompt: count,
  position: count,
  /** The run that differs from the first, from 2. */
  run: count,
  outputs: count,
  firstToken: count,
  first: figure,
  other: figure,
});

export const stabilitySchema = v.object({
  run: count,
  repeats: count,
  seconds: v.number(),
  identical: v.boolean(),
  /** At most 100. */
  unstable: v.array(unstableOutput),
  /** Positions with an output that another run did not repeat. */
  unstablePositions: count,
});

/** Something that happened and must not go unseen. */
export const noteSchema = v.object({
  run: count,
  kind: v.picklist(['timeoutRetried', 'simulated', 'checksumsOff', 'fourRows', 'accuracy']),
  text: v.string(),
});

/** One board's part of the report. */
export const runSchema = v.object({
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
  seconds: v.number(),
  verdict: v.picklist(['pass', 'fail', 'error']),
  shard: v.optional(v.object({ index: count, count })),
  machine: v.object({ host: v.string(), kernel: v.string(), arch: v.string(), node: v.string() }),
  /** Left out where none could be opened. */
  device: v.optional(
    v.object({
      description: v.string(),
      kind: v.picklist(['rknpu', 'sim']),
      driver: v.string(),
      cores: count,
      decodeRows: count,
      ffi: v.string(),
    }),
  ),
  tokensPerSecond: v.optional(v.object({ fp32: figure, fp16: figure, npu: figure })),
  /** Why there is no verdict, or only half of one. */
  error: v.optional(v.object({ message: v.string(), exitStatus: count })),
});

export const tolerancesSchema = v.object({
  fp32: v.object({ margin: v.number(), positionRms: v.number(), meanRms: v.number(), kl: v.number() }),
  fp16: v.object({ margin: v.number(), positionRms: v.number(), meanRms: v.number(), kl: v.number() }),
  /** Of a product's sum of magnitudes; of a step's result. */
  product: v.number(),
  step: v.number(),
});

export const configSchema = v.object({
  dim: count,
  hiddenDim: count,
  layerCount: count,
  headCount: count,
  kvHeadCount: count,
  vocabSize: count,
  seqLen: count,
});

export const reportSchema = v.object({
  schemaVersion: v.literal(REPORT_SCHEMA_VERSION),
  tool: v.object({ name: v.literal('verify-npu'), version: v.string() }),
  /** fail: the NPU is wrong. error: there was no finding out. */
  verdict: v.picklist(['pass', 'fail', 'error']),
  /** `verify-npu check model.npu --golden golden.json`, for whoever wants to see it again. */
  command: v.string(),
  suite: v.optional(v.object({ name: v.string(), sha256 })),
  model: v.object({
    path: v.string(),
    bytes: count,
    /** Of the file's header, which holds the checksum of every tensor. */
    headerSha256: sha256,
    source: v.object({ name: v.string(), sha256, version: count }),
    converter: v.string(),
    saturated: count,
    sharedClassifier: v.boolean(),
    config: configSchema,
  }),
  /** What judged; a sweep has none but the file's own weights. */
  reference: v.variant('kind', [
    v.object({ kind: v.literal('checkpoint'), path: v.string(), sha256 }),
    v.object({ kind: v.literal('golden'), path: v.string(), sha256 }),
    v.object({ kind: v.literal('model') }),
  ]),
  tolerances: tolerancesSchema,
  /** Whether accuracy (what FP16 costs against FP32) counts for the verdict; by default it is a note. */
  accuracyCounts: v.boolean(),
  runs: v.pipe(v.array(runSchema), v.minLength(1)),
  summary: summarySchema,
  prompts: v.array(promptSchema),
  matrices: v.array(matrixSchema),
  diagnoses: v.array(diagnosisSchema),
  stability: v.array(stabilitySchema),
  notes: v.array(noteSchema),
});

export type Comparison = v.InferOutput<typeof comparisonSchema>;
export type Excess = v.InferOutput<typeof excessSchema>;
export type Failure = v.InferOutput<typeof failureSchema>;
export type PositionReport = v.InferOutput<typeof positionSchema>;
export type YardstickFigures = v.InferOutput<typeof figuresSchema>;
export type Summary = v.InferOutput<typeof summarySchema>;
export type Fork = v.InferOutput<typeof forkSchema>;
export type PromptReport = v.InferOutput<typeof promptSchema>;
export type MatrixReport = v.InferOutput<typeof matrixSchema>;
export type Finding = v.InferOutput<typeof findingSchema>;
export type Diagnosis = v.InferOutput<typeof diagnosisSchema>;
export type Stability = v.InferOutput<typeof stabilitySchema>;
export type Note = v.InferOutput<typeof noteSchema>;
export type RunReport = v.InferOutput<typeof runSchema>;
export type Tolerances = v.InferOutput<typeof tolerancesSchema>;
export type VerifyReport = v.InferOutput<typeof reportSchema>;
