import { FileError } from '@npu-llama/format';
import * as v from 'valibot';
import { readJsonFile } from '../json-file.js';
import { TOLERANCE_NAMES, type ToleranceChanges } from './tolerance-names.js';

/** Raised when a field changes its meaning or goes. */
export const SUITE_SCHEMA_VERSION = 1;

/** More than any suite that is read by people; what a board would be busy with for weeks. */
const MAX_SUITE_BYTES = 16 << 20;
const MAX_PROMPTS = 10_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const promptSchema = v.strictObject({
  /** For reports; default: its text. */
  name: v.optional(v.string()),
  text: v.optional(v.string(), ''),
  /** Positions to compare, the prompt's own included; 0 for all that the model has. Default: the suite's. */
  positions: v.optional(count),
  mode: v.optional(v.picklist(['forced', 'free'])),
  /** Of free mode: 0 (default) is greedy. */
  temperature: v.optional(v.pipe(v.number(), v.minValue(0))),
  topP: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Of free mode with a temperature: one comparison each. */
  seeds: v.optional(
    v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(1))), v.minLength(1), v.maxLength(1000)),
  ),
});

const suiteSchema = v.strictObject({
  schemaVersion: v.literal(SUITE_SCHEMA_VERSION),
  name: v.string(),
  /** For every prompt that does not say otherwise. */
  positions: v.optional(count),
  mode: v.optional(v.picklist(['forced', 'free']), 'forced'),
  /** `{"fp16.meanRms": 0.005}`: see docs/verification.md. */
  tolerances: v.optional(
    v.strictObject(v.entriesFromList(TOLERANCE_NAMES, v.optional(v.pipe(v.number(), v.minValue(0))))),
    {},
  ),
  prompts: v.pipe(v.array(promptSchema), v.minLength(1), v.maxLength(MAX_PROMPTS)),
});

/** A prompt of a suite, before its text is encoded. */
export interface SuitePrompt {
  readonly name: string;
  readonly text: string;
  readonly mode: 'forced' | 'free';
  /** Undefined: as verify-npu's default. 0: all that the model has. */
  readonly positions: number | undefined;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: bigint | undefined;
}

export interface Suite {
  readonly name: string;
  /** SHA-256 of the file: parts of a run by several boards must agree on it. */
  readonly sha256: string;
  readonly tolerances: ToleranceChanges;
  /** One a prompt and seed, in the order of the file. */
  readonly prompts: readonly SuitePrompt[];
}

/**
 * Reads a suite: docs/verification.md describes the file.
 * @throws FileError when it cannot be read or a field will not do
 */
export function readSuite(path: string): Suite {
  const { value, sha256 } = readJsonFile(path, suiteSchema, { maxBytes: MAX_SUITE_BYTES, what: 'suite' });
  const prompts = value.prompts.flatMap((prompt, i): SuitePrompt[] => {
    const { text, mode = value.mode } = prompt;
    requireOneWay(path, `prompts.${i}`, { ...prompt, mode });
    const common = {
      text,
      mode,
      positions: prompt.positions ?? value.positions,
      temperature: prompt.temperature ?? 0,
      topP: prompt.topP ?? 0.9,
    };
    const name = prompt.name ?? text;
    if (prompt.seeds === undefined) return [{ ...common, name, seed: undefined }];
    return prompt.seeds.map(seed => ({ ...common, name: `${name} (seed ${seed})`, seed: BigInt(seed) }));
  });
  return { name: value.name, sha256, tolerances: definedOnly(value.tolerances), prompts };
}

/**
 * What would be passed over in silence is refused: sampling of a text that is not drawn.
 * @throws FileError naming the field
 */
function requireOneWay(
  path: string,
  where: string,
  {
    mode,
    temperature = 0,
    topP,
    seeds,
  }: Pick<v.InferOutput<typeof promptSchema>, 'temperature' | 'topP' | 'seeds'> & { readonly mode: string },
): void {
  const wrong = (field: string, got: string, wanted: string): never => {
    throw new FileError(path, `is no suite: ${where}.${field} will not do`, { got, wanted });
  };
  if (mode === 'forced') {
    if (temperature > 0) wrong('temperature', String(temperature), 'mode free: forced feeds the best tokens');
    if (topP !== undefined) wrong('topP', String(topP), 'mode free: forced feeds the best tokens');
    if (seeds !== undefined) wrong('seeds', 'seeds', 'mode free: forced feeds the best tokens');
  }
  if (temperature > 0 && seeds === undefined) wrong('seeds', 'none', 'one or more, to draw with');
  if (temperature === 0 && seeds !== undefined) wrong('temperature', '0', 'more than 0: seeds are given');
  if (temperature === 0 && topP !== undefined) wrong('topP', String(topP), 'a temperature to draw with');
}

function definedOnly(tolerances: Readonly<Record<string, number | undefined>>): ToleranceChanges {
  return Object.fromEntries(Object.entries(tolerances).filter(([, value]) => value !== undefined));
}
