import type { NpuUnderTest } from '../../src/npu/npu-under-test.js';
import { ReferenceSession, type ReferenceWeights } from '../../src/reference/index.js';
import { type LogitsModel, ReferenceSampler } from '../../src/verify/index.js';

/** Changes the logits of one position on their way, in place or to others; or throws. */
export type Fault = (logits: Float32Array, position: number) => Float32Array;

export const NO_FAULT: Fault = logits => logits;

/** A fault of one position alone. */
export function faultAt(at: number, fault: Fault): Fault {
  return (logits, position) => (position === at ? fault(logits, position) : logits);
}

/** What a device says of a job that did not end. */
export class FakeTimeOut extends Error {
  readonly timedOut = true;
}

/** An NPU whose logits are the FP16-aware reference's own, bit by bit, with a fault where one is asked for. */
export class FakeNpu implements LogitsModel {
  /** What forward was called with, in every session: [tokens, firstPosition]. */
  readonly calls: [tokens: readonly number[], firstPosition: number][] = [];
  openSessions = 0;
  sessions = 0;

  constructor(
    readonly weights: ReferenceWeights,
    readonly fault: Fault = NO_FAULT,
  ) {}

  createSession() {
    const { seqLen, vocabSize } = this.weights.config;
    const session = new ReferenceSession(this.weights, seqLen, { arithmetic: 'fp16' });
    this.openSessions++;
    this.sessions++;
    return {
      forward: async (tokens: readonly number[], firstPosition: number): Promise<Float32Array> => {
        this.calls.push([tokens, firstPosition]);
        const logits = await session.forward(tokens, firstPosition);
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

/**
 * A fake as a whole device: it draws as the reference does, counts its resets, and cannot be looked into (so an
 * investigation of it has to do without audits).
 */
export class FakeDevice implements NpuUnderTest {
  readonly device = {
    description: 'a fake NPU',
    kind: 'sim',
    driver: 'none',
    cores: 3,
    decodeRows: 1,
    ffi: 'none',
  } as const;
  readonly matrices = [];
  resets = 0;
  closed = 0;

  constructor(readonly fake: FakeNpu) {}

  createSession() {
    return this.fake.createSession();
  }

  createSampler(sampling: Parameters<NpuUnderTest['createSampler']>[0]) {
    const sampler = new ReferenceSampler({ ...sampling, seed: BigInt(sampling.seed) });
    let drawn = 0;
    return (logits: Float32Array): number => sampler.draw(logits, sampler.coin(drawn++)).token;
  }

  async reset(): Promise<void> {
    this.resets++;
  }

  async close(): Promise<void> {
    this.closed++;
  }

  watch(): never {
    throw new Error('a fake has no products to watch');
  }

  multiply(): never {
    throw new Error('a fake has no matrices');
  }

  readWeights(): never {
    throw new Error('a fake has no weights');
  }
}
