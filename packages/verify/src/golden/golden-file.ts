import * as v from 'valibot';
import { readJsonFile } from '../json-file.js';
import { configSchema, tolerancesSchema } from '../report/schema.js';

/** Raised when a field changes its meaning or goes. */
export const GOLDEN_SCHEMA_VERSION = 1;

/** 10,000 prompts of 1024 positions at 400 bytes would be 4 GB; nobody records that, and V8's strings end at 512 MB. */
const MAX_GOLDEN_BYTES = 256 << 20;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const positionSchema = v.strictObject({
  /** The FP32 reference's next token. */
  referenceToken: count,
  /** What FP16 costs here, device or not. */
  cost: v.strictObject({ margin: v.number(), relativeRms: v.number(), klDivergence: v.number() }),
  /** Of the FP16-aware reference's logits: see Sketch. */
  top: v.pipe(v.array(v.tuple([count, v.number()])), v.minLength(1), v.maxLength(64)),
  spread: v.number(),
  logSumExp: v.number(),
  projections: v.optional(v.pipe(v.array(v.number()), v.minLength(1), v.maxLength(32))),
});

const promptSchema = v.strictObject({
  number: count,
  name: v.string(),
  text: v.string(),
  mode: v.picklist(['forced', 'free']),
  sampling: v.optional(
    v.strictObject({ temperature: v.number(), topP: v.number(), seed: v.pipe(v.string(), v.digits()) }),
  ),
  promptTokens: v.pipe(count, v.minValue(1)),
  /** Every token fed: the prompt's, then the FP32 reference's choices. */
  tokens: v.pipe(v.array(count), v.minLength(1)),
  perplexity: v.strictObject({ fp32: v.optional(v.number()), fp16: v.optional(v.number()) }),
  /** One a token. */
  positions: v.array(positionSchema),
});

export const goldenSchema = v.strictObject({
  schemaVersion: v.literal(GOLDEN_SCHEMA_VERSION),
  tool: v.strictObject({ name: v.literal('verify-npu'), version: v.string() }),
  /** What the reference ran. */
  checkpoint: v.strictObject({
    name: v.string(),
    sha256,
    version: v.picklist([0, 1, 2]),
    sharedClassifier: v.boolean(),
    config: configSchema,
  }),
  /** The file that boards are to hold, where one was given: of its header, which holds every tensor's checksum. */
  model: v.optional(v.strictObject({ headerSha256: sha256, bytes: count })),
  suite: v.strictObject({ name: v.string(), sha256 }),
  tolerances: tolerancesSchema,
  prompts: v.pipe(v.array(promptSchema), v.minLength(1)),
});

export type Golden = v.InferOutput<typeof goldenSchema>;
export type GoldenPrompt = Golden['prompts'][number];
export type GoldenPosition = GoldenPrompt['positions'][number];

/**
 * Reads a golden record.
 * @throws FileError when it cannot be read, a field will not do, or a prompt contradicts itself
 */
export function readGolden(path: string): { readonly golden: Golden; readonly sha256: string } {
  const consistent = v.pipe(
    goldenSchema,
    v.check(
      ({ prompts, checkpoint: { config } }) =>
        prompts.every(
          ({ tokens, positions, promptTokens }) =>
            tokens.length === positions.length &&
            promptTokens <= tokens.length &&
            tokens.length <= config.seqLen &&
            tokens.every(token => token < config.vocabSize) &&
            positions.every(({ top }) => top.every(([token]) => token < config.vocabSize)),
        ),
      'a position for each token, within the model',
    ),
  );
  const { value, sha256 } = readJsonFile(path, consistent, {
    maxBytes: MAX_GOLDEN_BYTES,
    what: 'golden record',
  });
  return { golden: value, sha256 };
}

/** A golden record as text, a line a prompt so that two can be compared by eye. */
export function encodeGolden({ prompts, ...rest }: Golden): string {
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},"prompts":[\n${prompts.map(prompt => JSON.stringify(prompt)).join(',\n')}\n]}\n`;
}
