import {
  type Kernel,
  loadModel,
  type NpuDevice,
  type NpuModel,
  openDevice,
  Sampler,
  type Session,
} from '@npu-llama/runtime';
import type { Bench } from '../bench.js';

/** A text to fill a cache with: any tokens will do, attention does not look at them. */
const FIRST_TOKEN = 1;

/** The model that is measured, on its device, with a session in the middle of a text. */
export class BenchDevice implements AsyncDisposable {
  readonly #sampler = new Sampler({ temperature: 0 });

  private constructor(
    readonly device: NpuDevice,
    readonly model: NpuModel,
    readonly session: Session,
  ) {}

  /** @param changes what differs from the bench's own device */
  static async open(
    { device: options, files }: Bench,
    changes: {
      readonly cores?: number;
      readonly kernel?: (kernel: Kernel) => Kernel;
      readonly worker?: boolean;
    } = {},
  ): Promise<BenchDevice> {
    const device = await openDevice({ ...options, ...changes });
    try {
      const model = await loadModel(device, files.npu);
      return new BenchDevice(device, model, model.createSession());
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** Runs some text up to a position, where the session does not have one yet. */
  async fill(position: number): Promise<void> {
    const { session } = this;
    if (session.length >= position) return;
    const tokens = promptTokens(position - session.length, session.config.vocabSize);
    await session.forwardBatch(tokens, session.length, { logits: 'last' });
  }

  /** Decodes greedily, sampling included; goes on whatever is drawn. @returns the time it took, in ms */
  async decode(firstPosition: number, count: number): Promise<number> {
    let token = FIRST_TOKEN;
    const start = performance.now();
    for (let position = firstPosition; position < firstPosition + count; position++) {
      token = this.#sampler.sample(await this.session.forward(token, position));
    }
    return performance.now() - start;
  }

  /** As llama2.c counts: tokens after the first over the time since it. */
  async decodeRate(firstPosition: number, count: number): Promise<number> {
    await this.fill(firstPosition);
    await this.decode(firstPosition, 1);
    return ((count - 1) / (await this.decode(firstPosition + 1, count - 1))) * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device.close();
  }
}

/** Tokens of a prompt, BOS first, no two neighbours the same. */
export function promptTokens(count: number, vocabSize: number): number[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? FIRST_TOKEN : (i * 7919) % vocabSize));
}
