import { BOS_TOKEN, type ModelConfig, UsageError, type Vocabulary } from '@npu-llama/format';
import { inputName, readInput } from '@npu-llama/format/cli';
import type { SuitePrompt } from '../suite/index.js';
import { PromptEncoder } from '../text/index.js';
import { type Prompt, planPositions } from '../verify/index.js';
import type { PromptOptions } from './options.js';

/** As large as a suite may be. */
const MAX_PROMPT_BYTES = 16 << 20;

/**
 * The prompts of a command line: -i, then the file's lines, then the text file; a single empty one where there are none.
 * @throws UsageError for text that is not UTF-8, FileError when a file cannot be read or is too large; the signal's reason
 */
export async function promptsOfOptions(options: PromptOptions, signal: AbortSignal): Promise<SuitePrompt[]> {
  const { texts, file, textFile, mode, positions, temperature, topP, seeds } = options;
  if (file === '-' && textFile === '-') {
    throw new UsageError('--prompts and --text both name standard input', { next: 'leave one of them out' });
  }
  const lines = file === undefined ? [] : linesOf(await readText(file, signal));
  const given = [...texts, ...lines, ...(textFile === undefined ? [] : [await readText(textFile, signal)])];
  if (file !== undefined && lines.length === 0) {
    throw new UsageError(`no prompt in ${inputName(file)}`, { wanted: 'one a line' });
  }
  return (given.length === 0 ? [''] : given).flatMap((text): SuitePrompt[] => {
    const common = { text, mode, positions, temperature, topP };
    if (seeds.length === 0) return [{ ...common, name: text, seed: undefined }];
    return seeds.map(seed => ({ ...common, name: `${text} (seed ${seed})`, seed }));
  });
}

/**
 * Encodes prompts and sees to it that each fits the model.
 * @param source what would have held the vocabulary, for messages
 * @throws UsageError for one that does not
 */
export function encodePrompts(
  prompts: readonly SuitePrompt[],
  vocabulary: Vocabulary | undefined,
  config: ModelConfig,
  source: string,
): Prompt[] {
  const encoder = vocabulary && new PromptEncoder(vocabulary);
  return prompts.map(({ name, text, mode, positions, temperature, topP, seed }, i) => {
    const number = i + 1;
    // Node has replaced what was not UTF-8: another text would be compared than the one given.
    if (text.includes('\uFFFD')) throw new UsageError(`prompt ${number} is not UTF-8 text`);
    const prompt: Prompt = {
      number,
      name,
      text,
      tokens: encode(encoder, text, number, source),
      mode,
      ...(mode === 'free' && seed !== undefined && { sampling: { temperature, topP, seed } }),
      ...(positions !== undefined && { positionCount: positions === 0 ? config.seqLen : positions }),
    };
    planPositions(prompt, config);
    return prompt;
  });
}

/** An empty prompt is BOS alone and needs no vocabulary. */
function encode(encoder: PromptEncoder | undefined, text: string, number: number, source: string): number[] {
  if (encoder !== undefined) return encoder.encode(text);
  if (text === '') return [BOS_TOKEN];
  throw new UsageError(`${source} holds no tokenizer to encode prompt ${number} with`, {
    next: 'name one with -z, or use an empty prompt',
  });
}

/** A line is a prompt; empty ones are not. */
function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter(line => line !== '');
}

async function readText(path: string, signal: AbortSignal): Promise<string> {
  const bytes = await readInput(path, { maxBytes: MAX_PROMPT_BYTES, what: 'prompt', signal });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${inputName(path)} is not UTF-8 text`);
  }
}
