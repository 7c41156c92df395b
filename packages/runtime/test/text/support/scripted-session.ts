import type { ModelConfig } from '@npu-llama/format';
import type { Session } from '../../../src/index.js';
import { randomFloats } from '../../support/random.js';

/** A token that was run, and where. */
export type Run = readonly [token: number, position: number];

/** Logits that depend on a token and its position, and on nothing else. */
export type Script = (token: number, position: number) => Float32Array;

/** Random logits, in which `boosted` tokens are likelier by `boost`. */
export function randomScript(vocabSize: number, boosted: readonly number[] = [], boost = 0): Script {
  return (token, position) => {
    const logits = randomFloats(vocabSize, token * 7919 + position * 104729 + 1);
    for (const likely of boosted) logits[likely]! += boost;
    return logits;
  };
}

/** Logits whose highest one is that of the token that follows in `text`, by position. */
export function recitation(vocabSize: number, text: readonly number[]): Script {
  return (_, position) => {
    const logits = new Float32Array(vocabSize);
    logits[text[position + 1] ?? 1] = 1;
    return logits;
  };
}

/** A session whose logits are scripted; `runs` tells what was run. Refuses positions as a real one does. */
export class ScriptedSession {
  readonly runs: Run[] = [];
  readonly config: ModelConfig;
  #length = 0;

  constructor(
    private readonly script: Script,
    vocabSize: number,
    seqLen: number,
  ) {
    this.config = { dim: 2, hiddenDim: 2, layerCount: 1, headCount: 1, kvHeadCount: 1, vocabSize, seqLen };
  }

  /** As what generate() and a chat take; neither uses more of a session than is here. */
  get asSession(): Session {
    return this as unknown as Session;
  }

  async forward(token: number, position: number): Promise<Float32Array> {
    return this.forwardBatch([token], position, { logits: 'last' });
  }

  async forwardBatch(
    tokens: readonly number[],
    firstPosition: number,
    { logits }: { readonly logits: 'all' | 'last' },
  ): Promise<Float32Array> {
    if (logits !== 'last' || tokens.length === 0) throw new RangeError('not scripted');
    if (firstPosition > this.#length || firstPosition + tokens.length > this.config.seqLen) {
      throw new RangeError(`${tokens.length} tokens at ${firstPosition} of ${this.#length}`);
    }
    this.runs.push(...tokens.map((token, i) => [token, firstPosition + i] as const));
    this.#length = firstPosition + tokens.length;
    return this.script(tokens[tokens.length - 1]!, this.#length - 1);
  }
}
