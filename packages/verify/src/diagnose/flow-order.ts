import type { SignedFinding } from './finding.js';

/** Places within a layer in the order of the data flow. */
const IN_LAYER = [
  ...['attention norm', 'wqkv', 'wq', 'wk', 'wv', 'keys and values', 'attention', 'wo'],
  ...['feed-forward norm', 'w13', 'w1', 'w3', 'SwiGLU', 'w2'],
];
/** What comes before all layers, being read of the file, and behind them. */
const BEFORE = ['token_embedding', 'rms_att', 'rms_ffn', 'rms_final'];
const BEHIND = ['final norm', 'classifier', 'wcls', 'logits'];

/** A number by which places of findings sort into the order of the data flow. */
export function flowOrder(place: string): number {
  const match = /^layers\.(\d+)[. ](.+)$/.exec(place);
  if (match !== null) return Number(match[1]) * IN_LAYER.length + IN_LAYER.indexOf(match[2]!);
  const before = BEFORE.indexOf(place);
  if (before >= 0) return before - BEFORE.length;
  const behind = BEHIND.indexOf(place);
  return Number.MAX_SAFE_INTEGER - BEHIND.length + (behind < 0 ? BEHIND.length : behind);
}

/** The fused matrix that a finding of weights or products belongs to: wqkv's parts are one with it. */
export function matrixOf({ finding }: SignedFinding): string {
  return finding.place.replace(/\.w[qkv]$/, '.wqkv').replace(/\.w[13]$/, '.w13');
}
