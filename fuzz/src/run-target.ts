import { writeFileSync } from 'node:fs';
import { randomSequence } from '@npu-llama/fixtures';
import { mutate } from './mutate.js';
import type { Target } from './target.js';

/** What one reader made of its inputs. */
export interface TargetResult {
  readonly target: string;
  readonly inputs: number;
  /** Read to their end: what was changed does not matter, or makes another good file. */
  readonly accepted: number;
  readonly refused: number;
  /** The most that one took of the processor, which depends less on what else the machine does than time; and which one. */
  readonly slowestMs: number;
  readonly slowestInput: number;
  readonly findings: readonly Finding[];
}

/** An input that a reader did not end well with. */
export interface Finding {
  readonly target: string;
  /** `pnpm fuzz --target <target> --seed <seed> --only <input>` makes it again. */
  readonly seed: number;
  readonly input: number;
  readonly error: string;
}

/** The mutated file of that number: depends on nothing but its arguments. */
export function makeInput(target: Target, seed: number, input: number): Uint8Array {
  const random = randomSequence(seed, `${target.name}/${input}`);
  const { bytes, anatomy } = target.subjects[Math.floor(random() * target.subjects.length)]!;
  return mutate(bytes, anatomy, random);
}

/**
 * Gives a reader mutated files, one after the other.
 * @param path of the file that is written for each
 * @param onInput told before each: whoever watches for hangs wants to know
 */
export async function runTarget(
  target: Target,
  options: {
    readonly seed: number;
    readonly first?: number;
    readonly inputs: number;
    readonly path: string;
    readonly onInput?: (input: number) => void;
  },
): Promise<TargetResult> {
  const { seed, first = 0, inputs, path, onInput } = options;
  const findings: Finding[] = [];
  let accepted = 0;
  let slowestMs = 0;
  let slowestInput = first;
  for (let input = first; input < first + inputs; input++) {
    onInput?.(input);
    writeFileSync(path, makeInput(target, seed, input));
    const start = process.cpuUsage();
    try {
      await target.read(path);
      accepted++;
    } catch (error) {
      if (!target.refuses(error)) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        findings.push({ target: target.name, seed, input, error: text });
      }
    }
    const { user, system } = process.cpuUsage(start);
    const milliseconds = (user + system) / 1000;
    if (milliseconds > slowestMs) [slowestMs, slowestInput] = [milliseconds, input];
  }
  const refused = inputs - accepted - findings.length;
  return { target: target.name, inputs, accepted, refused, slowestMs, slowestInput, findings };
}
