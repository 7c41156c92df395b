import * as v from 'valibot';

/** What `--json` writes, and docs/performance.md is made from. This file is its one definition. */

/** Raised when a field changes its meaning or goes. */
export const RESULTS_SCHEMA_VERSION = 1;

const text = v.pipe(v.string(), v.minLength(1));
const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const samples = v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1));

const goalSchema = v.object({
  kind: v.picklist(['at most', 'at least']),
  bound: v.number(),
  reached: v.boolean(),
});

/** What a figure is held against, measured in the same turns: a limit of the machine, or what users would run instead. */
const besideSchema = v.object({
  name: text,
  /** Median of the samples. */
  value: amount,
  samples,
  /** Median over the turns of figure / this. */
  ratio: amount,
  /** For the ratio. */
  goal: v.optional(goalSchema),
});

const measuredSchema = v.object({
  id: text,
  name: text,
  unit: text,
  /** Median of the samples. */
  value: v.pipe(v.number(), v.finite()),
  samples,
  /** For the value. */
  goal: v.optional(goalSchema),
  beside: v.array(besideSchema),
  note: v.optional(text),
});

const unmeasuredSchema = v.object({ id: text, name: text, notMeasured: text });

/** Time of one token by stage, without overlap; together they are the token's time. */
const budgetSchema = v.object({
  position: v.pipe(v.number(), v.integer(), v.minValue(0)),
  stages: v.pipe(v.array(v.object({ name: text, microseconds: amount })), v.minLength(1)),
});

/** What one decoded token asks of the device, as the simulator counted it. */
const countsSchema = v.object({
  cores: count,
  submits: amount,
  tasks: amount,
  macs: amount,
  weightBytes: amount,
  featureBytes: amount,
  resultBytes: amount,
  programBytes: amount,
});

/** A model's dimensions, as in the header of its checkpoint. */
const shapeSchema = v.object({
  dim: count,
  hiddenDim: count,
  layerCount: count,
  headCount: count,
  kvHeadCount: count,
  vocabSize: count,
  seqLen: count,
});

/** One point of measurement: what was measured together. */
const sectionSchema = v.object({
  part: text,
  /** ISO 8601. */
  date: text,
  /** Of the repository; null where git does not say. */
  commit: v.nullable(text),
  model: text,
  shape: shapeSchema,
  device: text,
  runs: count,
  figures: v.array(v.union([measuredSchema, unmeasuredSchema])),
  budgets: v.optional(v.array(budgetSchema)),
  counts: v.optional(v.array(countsSchema)),
});

export const machineSchema = v.object({
  cpu: text,
  cores: count,
  memoryBytes: amount,
  architecture: text,
  kernel: text,
  node: text,
  compiler: v.nullable(text),
});

export const resultsSchema = v.object({
  schemaVersion: v.literal(RESULTS_SCHEMA_VERSION),
  machine: machineSchema,
  sections: v.array(sectionSchema),
});

export type Goal = v.InferOutput<typeof goalSchema>;
export type Beside = v.InferOutput<typeof besideSchema>;
export type Measured = v.InferOutput<typeof measuredSchema>;
export type Figure = Measured | v.InferOutput<typeof unmeasuredSchema>;
export type Budget = v.InferOutput<typeof budgetSchema>;
export type TokenCounts = v.InferOutput<typeof countsSchema>;
export type Section = v.InferOutput<typeof sectionSchema>;
export type Machine = v.InferOutput<typeof machineSchema>;
export type Results = v.InferOutput<typeof resultsSchema>;

/** What a part gives back; the rest of its section is the same for all. */
export type PartResult = Pick<Section, 'figures' | 'budgets' | 'counts'>;

/** The figure of that id, if it was measured. */
export function measuredFigure(results: Results, id: string): Measured | undefined {
  const figures = results.sections.flatMap(section => section.figures);
  return figures.find((figure): figure is Measured => figure.id === id && 'value' in figure);
}
