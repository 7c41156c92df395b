import { setImmediate as nextTurn } from 'node:timers/promises';
import { BOS_TOKEN, FileError } from '@npu-llama/format';
import {
  argmax,
  type Excess,
  findDefect,
  judgePosition,
  judgePrompt,
  type PositionResult,
  type Tolerances,
} from '../compare/index.js';
import { ReferenceSession, type ReferenceWeights } from '../reference/index.js';
import type { LogitsModel, LogitsSession } from './logits-source.js';

/** Prompt tokens that go to the NPU in one call: bounds the logits held at a time. */
const PROMPT_BATCH = 64;

/** A prompt as text and as the tokens that start the text, BOS first. */
export interface Prompt {
  /** Its place among the prompts, from 1: how reports call it. */
  readonly number: number;
  readonly text: string;
  readonly tokens: readonly number[];
}

export interface VerifyPromptOptions {
  readonly weights: ReferenceWeights;
  readonly npu: LogitsModel;
  readonly prompt: Prompt;
  /** Positions to compare, prompt included; at least its tokens, at most the model's seqLen. */
  readonly positionCount: number;
  readonly tolerances: Tolerances;
  /** Looked at before every position; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called after every position. */
  readonly onPosition?: (positionsDone: number) => void;
}

/** What became of one prompt. */
export interface PromptResult {
  readonly prompt: Prompt;
  /** One result a token fed: the prompt's, then the reference's choices. Fewer than asked for where it drew BOS. */
  readonly positions: readonly PositionResult[];
  /** Failures that are not of any single position. */
  readonly failures: readonly Excess[];
  /** Time in each model's forward pass. */
  readonly referenceSeconds: number;
  readonly npuSeconds: number;
}

/**
 * Sends one text through the reference and the NPU and compares every position. The reference alone chooses the tokens,
 * greedily, so that one wrong choice of the NPU's cannot hide what follows. The prompt reaches the NPU in batches and
 * every later token on its own, as when it generates; so both ways are checked.
 * @throws FileError where the reference's own logits are not finite: then it judges nothing
 */
export async function verifyPrompt(options: VerifyPromptOptions): Promise<PromptResult> {
  const session = options.npu.createSession();
  try {
    return await comparePositions(options, session);
  } finally {
    await session.close();
  }
}

async function comparePositions(options: VerifyPromptOptions, npu: LogitsSession): Promise<PromptResult> {
  const { weights, prompt, positionCount, tolerances, signal } = options;
  const { vocabSize } = weights.config;
  const reference = new ReferenceSession(weights, positionCount);
  const positions: PositionResult[] = [];
  let referenceSeconds = 0;
  let npuSeconds = 0;
  let batch: readonly number[] = prompt.tokens.slice(0, PROMPT_BATCH);
  while (batch.length > 0) {
    const first = positions.length;
    const npuStart = performance.now();
    const npuLogits = await npu.forward(batch, first);
    npuSeconds += (performance.now() - npuStart) / 1000;
    for (const [i, token] of batch.entries()) {
      // One position is soon done, so let signals and the progress bar have their turn.
      await nextTurn();
      signal?.throwIfAborted();
      const referenceStart = performance.now();
      const logits = await reference.forward([token], first + i, { ...(signal && { signal }) });
      referenceSeconds += (performance.now() - referenceStart) / 1000;
      requireFinite(logits, weights, first + i);
      const fed = { position: first + i, token, referenceToken: argmax(logits) };
      positions.push(judgePosition(fed, logits, rowOf(npuLogits, i, batch.length, vocabSize), tolerances));
      options.onPosition?.(positions.length);
    }
    batch = nextBatch(prompt, positions, positionCount);
  }
  return { prompt, positions, failures: judgePrompt(positions, tolerances), referenceSeconds, npuSeconds };
}

/** What to feed next: more of the prompt, else the reference's choice, else nothing. */
function nextBatch(
  prompt: Prompt,
  positions: readonly PositionResult[],
  positionCount: number,
): readonly number[] {
  const done = positions.length;
  if (done < prompt.tokens.length) return prompt.tokens.slice(done, done + PROMPT_BATCH);
  const next = positions[done - 1]!.referenceToken;
  return done === positionCount || next === BOS_TOKEN ? [] : [next];
}

/** One position's logits; all that came where their number is wrong, for the comparison to report. */
function rowOf(logits: Float32Array, row: number, rows: number, vocabSize: number): Float32Array {
  if (logits.length !== rows * vocabSize) return logits;
  return logits.subarray(row * vocabSize, (row + 1) * vocabSize);
}

function requireFinite(logits: Float32Array, weights: ReferenceWeights, position: number): void {
  const defect = findDefect(logits, weights.config.vocabSize);
  if (defect?.kind !== 'notFinite') return;
  throw new FileError(weights.path, `the reference's own logits are not finite at position ${position}`, {
    got: `${defect.value} for token ${defect.token}`,
    next: 'the checkpoint is damaged, or was not trained in FP32',
  });
}
