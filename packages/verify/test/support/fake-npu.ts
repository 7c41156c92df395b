import { floatToHalf, halfToFloat } from '@npu-llama/format';
import type { NpuUnderTest } from '../../src/npu/npu-under-test.js';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import type { LogitsModel } from '../../src/verify/index.js';

/** Changes logits on their way, in place or to others. */
export type Fault = (logits: Float32Array, position: number) => Float32Array;

export const NO_FAULT: Fault = logits => logits;

/** An NPU whose logits are the reference's, each rounded to FP16, with a fault where one is asked for. */
export class FakeNpu implements LogitsModel {
  /** What forward was called with: [tokens, firstPosition]. */
  readonly calls: [tokens: readonly number[], firstPosition: number][] = [];
  openSessions = 0;

  constructor(
    readonly weights: ReferenceWeights,
    readonly fault: Fault = NO_FAULT,
  ) {}

  createSession() {
    const session = new ReferenceSession(this.weights, this.weights.config.seqLen);
    this.openSessions++;
    return {
      forward: async (tokens: readonly number[], firstPosition: number): Promise<Float32Array> => {
        this.calls.push([tokens, firstPosition]);
        const { vocabSize } = this.weights.config;
        const logits = (await session.forward(tokens, firstPosition)).map(logit =>
          halfToFloat(floatToHalf(logit)),
        );
        const rows = tokens.map((_, i) =>
          this.fault(logits.slice(i * vocabSize, (i + 1) * vocabSize), firstPosition + i),
        );
        return Float32Array.from(rows.flatMap(row => Array.from(row)));
      },
      close: async (): Promise<void> => {
        this.openSessions--;
      },
    };
  }
}

/** What a fake has to say beside its logits; it cannot be looked into. */
export function fakeDevice(description: string): Omit<NpuUnderTest, 'createSession' | 'close'> {
  const nothing = (): never => {
    throw new Error('a fake has no matrices');
  };
  return {
    device: { description, kind: 'sim', driver: 'none', cores: 3, decodeRows: 1, ffi: 'none' },
    matrices: [],
    watch: nothing,
    multiply: nothing,
    readWeights: nothing,
    createSampler: nothing,
    reset: nothing,
  };
}
