import type { Vocabulary } from '@npu-llama/format';

/** Encodes by llama2.c's rules, one by one, with no thought of speed: the judge of Tokenizer. */
export function naiveEncode({ pieces, scores }: Vocabulary, text: string): number[] {
  const tokenOf = (bytes: Uint8Array): number =>
    pieces.findIndex(piece => Buffer.compare(piece, bytes) === 0);
  const tokens: number[] = [];
  if (text !== '') tokens.push(tokenOf(Buffer.from(' ')));
  for (const character of text) {
    const bytes = Buffer.from(character);
    const token = tokenOf(bytes);
    if (token === -1) tokens.push(...Array.from(bytes, byte => byte + 3));
    else tokens.push(token);
  }
  for (;;) {
    let best: { readonly at: number; readonly token: number } | undefined;
    for (let at = 0; at + 1 < tokens.length; at++) {
      const token = tokenOf(Buffer.concat([pieces[tokens[at]!]!, pieces[tokens[at + 1]!]!]));
      if (token !== -1 && (best === undefined || scores[token]! > scores[best.token]!)) best = { at, token };
    }
    if (best === undefined) return [1, ...tokens];
    tokens.splice(best.at, 2, best.token);
  }
}
