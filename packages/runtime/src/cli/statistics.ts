import type { ModelCounters, NpuModel } from '../model/index.js';

/** What a run took; --stats and --json show it. */
export interface RunStatistics {
  readonly device: string;
  readonly ffi: string;
  readonly dmaBytes: number;
  readonly loadMs: number;
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly generatedTokens: number;
  /** Drawn tokens after the first, over the time since the first; undefined with fewer than two. */
  readonly tokensPerSecond: number | undefined;
  /** Means over the drawn tokens after the first. */
  readonly deviceMsPerToken: number | undefined;
  readonly hostMsPerToken: number | undefined;
  readonly submitsPerToken: number | undefined;
  readonly bytesCopiedPerToken: number | undefined;
  /** Of the whole run. */
  readonly submits: number;
}

/** Takes the times and counters of a run: told when the prompt begins, and of each drawn token. */
export class RunClock {
  readonly #promptStart = performance.now();
  #promptTokens = 0;
  #drawn = 0;
  #firstDrawn: { readonly time: number; readonly counters: ModelCounters } | undefined;
  #lastDrawn: { readonly time: number; readonly counters: ModelCounters } | undefined;

  constructor(
    private readonly model: NpuModel,
    private readonly loadMs: number,
  ) {}

  prompted(tokens: number): void {
    this.#promptTokens += tokens;
  }

  drew(): void {
    this.#drawn++;
    this.#lastDrawn = { time: performance.now(), counters: this.model.counters };
    this.#firstDrawn ??= this.#lastDrawn;
  }

  statistics(): RunStatistics {
    const { model } = this;
    const first = this.#firstDrawn;
    const last = this.#lastDrawn;
    const counted = this.#drawn - 1;
    const perToken = (of: (counters: ModelCounters) => number): number | undefined =>
      first === undefined || last === undefined || counted < 1
        ? undefined
        : (of(last.counters) - of(first.counters)) / counted;
    const elapsedMs = first === undefined || last === undefined ? 0 : last.time - first.time;
    const deviceMsPerToken = perToken(counters => counters.deviceMs);
    return {
      device: model.device.description,
      ffi: model.device.ffi,
      dmaBytes: model.dmaBytes,
      loadMs: this.loadMs,
      promptTokens: this.#promptTokens,
      promptMs: (first?.time ?? performance.now()) - this.#promptStart,
      generatedTokens: this.#drawn,
      tokensPerSecond: counted < 1 ? undefined : (counted / elapsedMs) * 1000,
      deviceMsPerToken,
      hostMsPerToken: deviceMsPerToken === undefined ? undefined : elapsedMs / counted - deviceMsPerToken,
      submitsPerToken: perToken(counters => counters.submits),
      bytesCopiedPerToken: perToken(counters => counters.bytesToDevice + counters.bytesFromDevice),
      submits: model.counters.submits,
    };
  }
}

/** The lines of --stats. */
export function formatStatistics(statistics: RunStatistics): string {
  const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '-';
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
