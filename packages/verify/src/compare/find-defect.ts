/** Why logits cannot be compared at all: always a failure, whatever the tolerances. */
export type LogitsDefect =
  | { readonly kind: 'length'; readonly got: number; readonly wanted: number }
  | {
      readonly kind: 'notFinite';
      /** The first such token, and what stands there: NaN, Infinity or -Infinity. */
      readonly token: number;
      readonly value: number;
      /** How many of the logits are such. */
      readonly count: number;
    };

/** Looks for what makes logits meaningless; undefined when there is nothing. */
export function findDefect(logits: Float32Array, vocabSize: number): LogitsDefect | undefined {
  if (logits.length !== vocabSize) return { kind: 'length', got: logits.length, wanted: vocabSize };
  let first: number | undefined;
  let count = 0;
  for (let token = 0; token < vocabSize; token++) {
    if (Number.isFinite(logits[token]!)) continue;
    first ??= token;
    count++;
  }
  return first === undefined ? undefined : { kind: 'notFinite', token: first, value: logits[first]!, count };
}
