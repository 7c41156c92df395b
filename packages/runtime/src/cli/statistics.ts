import { type ModelCounters, newCounters } from '../model/counters.js';
import type { NpuModel } from '../model/index.js';

/** What a run took; --stats and --json show it. */
export interface RunStatistics {
  readonly device: string;
  readonly ffi: string;
  readonly dmaBytes: number;
  readonly loadMs: number;
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly generatedTokens: number;
  /** Drawn tokens after the first, over the time since the first, of each turn; null where there are none. */
  readonly tokensPerSecond: number | null;
  /** Means over those tokens. */
  readonly deviceMsPerToken: number | null;
  readonly hostMsPerToken: number | null;
  readonly submitsPerToken: number | null;
  readonly bytesCopiedPerToken: number | null;
  /** Of the whole run. */
  readonly submits: number;
}

const COUNTERS = Object.keys(newCounters()) as readonly (keyof ModelCounters)[];

interface Moment {
  readonly time: number;
  readonly counters: ModelCounters;
}

/**
 * Takes the times and counters of a run: told when a prompt begins, and of each drawn token. What lies between the last
 * token of a chat's turn and the next prompt is the user's time and does not count.
 */
export class RunClock {
  #promptTokens = 0;
  #promptMs = 0;
  #drawn = 0;
  /** Drawn tokens that another one of the same turn stands before, and what they took. */
  #counted = 0;
  #countedMs = 0;
  readonly #took: ModelCounters = newCounters();
  #inPrompt = true;
  #last: Moment;

  constructor(
    private readonly model: Pick<NpuModel, 'counters' | 'device' | 'dmaBytes'>,
    private readonly loadMs: number,
  ) {
    this.#last = this.#now();
  }

  prompted(tokens: number): void {
    this.#promptTokens += tokens;
    this.#inPrompt = true;
    this.#last = this.#now();
  }

  drew(): void {
    const now = this.#now();
    const elapsedMs = now.time - this.#last.time;
    this.#drawn++;
    if (this.#inPrompt) {
      this.#promptMs += elapsedMs;
    } else {
      this.#counted++;
      this.#countedMs += elapsedMs;
      for (const name of COUNTERS) this.#took[name] += now.counters[name] - this.#last.counters[name];
    }
    this.#inPrompt = false;
    this.#last = now;
  }

  statistics(): RunStatistics {
    const { model } = this;
    const took = this.#took;
    const counted = this.#counted;
    const perToken = (of: number): number | null => (counted === 0 ? null : of / counted);
    return {
      device: model.device.description,
      ffi: model.device.ffi,
      dmaBytes: model.dmaBytes,
      loadMs: this.loadMs,
      promptTokens: this.#promptTokens,
      promptMs: this.#promptMs + (this.#inPrompt ? this.#now().time - this.#last.time : 0),
      generatedTokens: this.#drawn,
      tokensPerSecond: counted === 0 ? null : (counted / this.#countedMs) * 1000,
      deviceMsPerToken: perToken(took.deviceMs),
      hostMsPerToken: perToken(this.#countedMs - took.deviceMs),
      submitsPerToken: perToken(took.submits),
      bytesCopiedPerToken: perToken(took.bytesToDevice + took.bytesFromDevice),
      submits: model.counters.submits,
    };
  }

  #now(): Moment {
    return { time: performance.now(), counters: this.model.counters };
  }
}

/** The lines of --stats. */
export function formatStatistics(statistics: RunStatistics): string {
  const fixed = (value: number | null, digits: number): string => value?.toFixed(digits) ?? '-';
  const rows: [string, string][] = [
    ['device', statistics.device],
    ['FFI', statistics.ffi],
    ['DMA memory', `${(statistics.dmaBytes / 2 ** 20).toFixed(1)} MiB`],
    ['load', `${fixed(statistics.loadMs, 0)} ms`],
    ['prompt', `${statistics.promptTokens} tokens in ${fixed(statistics.promptMs, 1)} ms`],
    ['generated', `${statistics.generatedTokens} tokens, ${fixed(statistics.tokensPerSecond, 2)} tok/s`],
    ['device time', `${fixed(statistics.deviceMsPerToken, 3)} ms a token`],
    ['host time', `${fixed(statistics.hostMsPerToken, 3)} ms a token`],
    ['submits', `${fixed(statistics.submitsPerToken, 0)} a token, ${statistics.submits} in all`],
    ['copied', `${fixed(statistics.bytesCopiedPerToken, 0)} bytes a token to and from DMA memory`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join('');
}
