import { ChildError, runChild } from './child.js';
import type { Program } from './native.js';
import type { Contestant } from './turns.js';

export interface Llama2cRun {
  readonly checkpoint: string;
  /** Positions to run from the first on. */
  readonly steps: number;
  /** Of `baseline` alone: where to begin. */
  readonly firstPosition?: number;
  /** Of llama2.c's own program alone, which decodes what it generates. */
  readonly tokenizer?: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a program that speaks llama2.c's command line, greedily from BOS.
 * @returns the tokens a second that it says it achieved
 * @throws ChildError when it fails or does not say so
 */
export async function achievedTokensPerSecond(program: string, run: Llama2cRun): Promise<number> {
  const args = [run.checkpoint, '-t', '0', '-n', String(run.steps)];
  if (run.firstPosition !== undefined) args.push('-f', String(run.firstPosition));
  if (run.tokenizer !== undefined) args.push('-z', run.tokenizer);
  const { stderr } = await runChild(program, args, { signal: run.signal });
  const rate = Number(/achieved tok\/s: ([\d.]+)/.exec(stderr)?.[1] ?? Number.NaN);
  if (!(rate > 0))
    throw new ChildError(`${program} ${args.join(' ')}`, 'says no achieved tok/s', stderr.trim());
  return rate;
}

/** A compiled program as a contestant; there is none without a compiler or without a checkpoint. */
export function llama2cContestant(
  program: Program,
  run: Omit<Llama2cRun, 'checkpoint'> & { readonly checkpoint: string | undefined },
): Contestant {
  const { checkpoint } = run;
  if ('missing' in program || checkpoint === undefined) return undefined;
  return () => achievedTokensPerSecond(program.path, { ...run, checkpoint });
}
