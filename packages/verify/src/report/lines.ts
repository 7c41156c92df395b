import type { Vocabulary } from '@npu-llama/format';
import type { Failure, PositionResult } from '../compare/index.js';
import { showText, showToken } from '../text/index.js';
import type { PromptResult, VerifyResult } from '../verify/index.js';
import { type Extreme, type Figures, figuresOf, speedsOf } from './figures.js';

/** What a prompt has to say: a line for each position that fails, a line for what fails as a whole, a summary. */
export function promptLines(result: PromptResult, vocabulary: Vocabulary | undefined): string[] {
  const { prompt, positions, failures } = result;
  const failing = positions.filter(position => position.failures.length > 0);
  return [
    ...failing.map(position => `prompt ${prompt.number}, ${positionText(position, vocabulary)}`),
    ...failures.map(failure => `prompt ${prompt.number}: ${failureText(failure)}`),
    `prompt ${prompt.number} ${showText(prompt.text)}: ${figuresText(figuresOf([result]), positionOnly)}`,
  ];
}

/** The last line: PASS or FAIL, over how much, how far apart, on which device, how fast. */
export function verdictLine(result: VerifyResult, device: string): string {
  const { prompts, passed } = result;
  const wrongOnAverage = prompts.filter(({ failures }) => failures.length > 0).length;
  const speeds = speedsOf(prompts);
  return [
    `${passed ? 'PASS' : 'FAIL'}: ${figuresText(figuresOf(prompts), prompts.length === 1 ? positionOnly : promptToo)}`,
    ...(wrongOnAverage === 0 ? [] : [`${wrongOnAverage} of ${prompts.length} prompts wrong on average`]),
    `NPU: ${device}`,
    `reference ${speeds.reference.toFixed(1)} tok/s, NPU ${speeds.npu.toFixed(1)} tok/s`,
  ].join('; ');
}

function positionText(result: PositionResult, vocabulary: Vocabulary | undefined): string {
  const { position, token, comparison, referenceToken, failures } = result;
  const reference = `reference ${showToken(referenceToken, vocabulary)}`;
  const choices = comparison
    ? `NPU ${showToken(comparison.npuToken, vocabulary)} at ${comparison.npuBest.toFixed(4)}, ` +
      `${reference} at ${comparison.referenceBest.toFixed(4)}`
    : reference;
  const why = failures.map(failureText).join('; ');
  return `position ${position}, after ${showToken(token, vocabulary)}: ${choices}: ${why}`;
}

function failureText(failure: Failure): string {
  switch (failure.kind) {
    case 'length':
      return `the NPU gave ${failure.got} logits, wanted ${failure.wanted}`;
    case 'notFinite':
      return `NPU logits are not finite: first ${failure.value} at token ${failure.token}, ${failure.count} in all`;
    case 'token':
      return `to the reference the NPU's is worse by ${failure.got.toFixed(4)}, tolerance ${failure.tolerance.toFixed(4)}`;
    case 'positionRms':
      return `RMS error ${figure(failure.got)} of the spread, tolerance ${failure.tolerance}`;
    case 'meanRms':
      return `mean RMS error ${figure(failure.got)} of the spread, tolerance ${failure.tolerance}`;
    case 'klDivergence':
      return `KL ${figure(failure.got)} nats, tolerance ${failure.tolerance}`;
  }
}

function figuresText(figures: Figures, place: (extreme: Extreme) => string): string {
  const { positions, differing, tied, failing, largestDifference, worstKl, leastCosine } = figures;
  const otherwise = failing - differing;
  const counts = [
    `${positions} positions, ${differing} differ`,
    ...(otherwise === 0 ? [] : [`${otherwise} otherwise wrong`]),
    ...(tied === 0 ? [] : [`${tied} tied`]),
  ];
  // All four are there or, where nothing could be compared, none is.
  if (!largestDifference || !worstKl || !leastCosine || figures.meanRelativeRms === undefined) {
    return counts.join(', ');
  }
  return [
    counts.join(', '),
    `largest |dlogit| ${largestDifference.value.toFixed(4)} at ${place(largestDifference)}`,
    `mean RMS error ${figure(figures.meanRelativeRms)} of the spread`,
    `worst KL ${figure(worstKl.value)} at ${place(worstKl)}`,
    `least cosine ${leastCosine.value.toFixed(7)} at ${place(leastCosine)}`,
  ].join('; ');
}

function positionOnly({ position }: Extreme): string {
  return `position ${position}`;
}

function promptToo({ prompt, position }: Extreme): string {
  return `prompt ${prompt}, position ${position}`;
}

/** Two significant digits: 3.1e-6, 0.0012. */
function figure(value: number): string {
  return value === 0 || Math.abs(value) >= 1e-3
    ? String(Number(value.toPrecision(2)))
    : value.toExponential(1);
}
