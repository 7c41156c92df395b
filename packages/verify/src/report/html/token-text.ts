import { BOS_TOKEN } from '@npu-llama/format';
import type { Fork, PositionReport, PromptReport } from '../schema.js';
import { choicesText, failureText, forkText, shownComparison, tokenText } from '../words.js';
import { html, type Insertable, type Markup } from './markup.js';

/** llama2.c's mark at the end of a story. */
const EOS_TOKEN = 2;

/**
 * The tokens that were fed, as text, the prompt's own part apart. A token that follows a position which fails, costs too
 * much or ties is marked: there the reference chose it, and beside it stands what the NPU would have written instead.
 */
export function tokenStory(prompt: PromptReport): Markup {
  const { positions, promptTokens } = prompt;
  const given: Insertable[] = [];
  const written: Insertable[] = [];
  positions.forEach((position, i) => {
    const before = positions[i - 1];
    const into = position.position < promptTokens ? given : written;
    // A golden record holds some positions only.
    if (before !== undefined && before.position !== position.position - 1)
      into.push(html`<span class="muted"> … </span>`);
    const judged = before?.position === position.position - 1 ? before : undefined;
    into.push(marked(position.token, before?.token, judged, prompt));
  });
  const last = positions.at(-1);
  if (last !== undefined && prompt.fork?.position === last.position) {
    written.push(forked(prompt.fork, last, prompt));
  } else if (last !== undefined && markOf(last) !== undefined) {
    written.push(marked(last.referenceToken, last.token, last, prompt));
  }
  // Preformatted: no white space of ours.
  return html`<p class="story">${given.length > 0 && html`<span class="given" title="the prompt">${given}</span>`}${written}</p>`;
}

type Mark = 'failing' | 'inaccurate' | 'tied';

function markOf(position: PositionReport): Mark | undefined {
  if (position.failures.length > 0) return 'failing';
  if (position.accuracy.length > 0) return 'inaccurate';
  const differs = [position.fp32, position.fp16].some(
    one => one !== undefined && one.npuToken !== one.referenceToken,
  );
  return differs ? 'tied' : undefined;
}

function marked(
  token: number,
  before: number | undefined,
  judged: PositionReport | undefined,
  { pieces }: PromptReport,
): Insertable {
  const text = pieceMarkup(token, pieces, before);
  const mark = judged && markOf(judged);
  if (judged === undefined || mark === undefined) return text;
  const comparison = shownComparison(judged);
  const differs = comparison !== undefined && comparison.npuToken !== comparison.referenceToken;
  const reasons = (mark === 'failing' ? judged.failures : judged.accuracy).map(failure =>
    failureText(failure, pieces),
  );
  const why = [
    `position ${judged.position}, after ${tokenText(judged.token, pieces)}: ${choicesText(judged, pieces)}`,
    ...(reasons.length === 0 ? ['within the tolerance: both are as good'] : reasons),
  ].join('\n');
  // The space that begins a word looks better without a line below it.
  const spaced = typeof text === 'string' && /^ +\S/.test(text);
  return [
    spaced && ' ',
    html`<span title="${why}"><mark class="${mark}">${spaced ? text.slice(1) : text}</mark>${
      differs &&
      html`<span class="instead ${mark}"><span class="hidden"> NPU: </span>${wordMarkup(comparison.npuToken, pieces)}</span>`
    }</span>`,
  ];
}

/** Both ways' first words: they need not be the best candidates where they were drawn. */
function forked(fork: Fork, last: PositionReport, { pieces }: PromptReport): Insertable {
  const mark = markOf(last) ?? 'tied';
  return [
    ' ',
    html`<span title="${forkText(fork, pieces)}"><mark class="${mark}">${wordMarkup(fork.reference.token, pieces)}</mark><span class="instead ${mark}"><span class="hidden"> NPU: </span>${wordMarkup(fork.npu.token, pieces)}</span></span>`,
  ];
}

/** Whether a story has anything marked. */
export function hasMarks({ positions, fork }: PromptReport): boolean {
  return fork !== undefined || positions.some(position => markOf(position) !== undefined);
}

/** A token as it reads: a line break is seen and done, what has no text is its number. */
function pieceMarkup(token: number, pieces: PromptReport['pieces'], before: number | undefined): Insertable {
  const piece = pieces[token];
  if (piece === undefined) return html`<span class="special">${token}</span>`;
  if (token === BOS_TOKEN || token === EOS_TOKEN) return html`<span class="special">${piece.trim()}</span>`;
  // llama2.c: the space that begins a word is none after the beginning of the text.
  const text = before === BOS_TOKEN && piece.startsWith(' ') ? piece.slice(1) : piece;
  return text.replaceAll('\n', '↵\n');
}

/** A token that stands alone in a box: without the space that begins it, and a mark where it is nothing else. */
function wordMarkup(token: number, pieces: PromptReport['pieces']): Insertable {
  const text = pieceMarkup(token, pieces, BOS_TOKEN);
  return typeof text === 'string' && text.trim() === '' ? '␣' : text;
}
