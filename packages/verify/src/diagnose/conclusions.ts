import type { SignedFinding } from './finding.js';
import { matrixOf } from './flow-order.js';
import { MEANINGS, type Meaning } from './meanings.js';
import type { SignKey } from './signs/sign.js';

/** Places that a line names. */
const MAX_PLACES = 3;

/**
 * What findings usually mean, most telling first; one line each, naming the places.
 * @param matricesChecked how many matrices were looked at: what a core gets wrong, it gets wrong in all
 */
export function conclude(findings: readonly SignedFinding[], matricesChecked?: number): string[] {
  const lines: string[] = [];
  const explained = new Set<SignedFinding>();
  for (const [key, meaning] of MEANINGS) {
    const concerned = findings.filter(
      finding => speaksOf(finding, key) && !(meaning.weak && explained.has(finding)),
    );
    if (concerned.length === 0) continue;
    for (const finding of concerned) explained.add(finding);
    lines.push(`${placesText(concerned, key)}: ${meaningText(key, meaning, concerned, matricesChecked)}`);
  }
  const rest = findings.filter(finding => !explained.has(finding));
  if (rest.length > 0) {
    lines.push(`${namesOf(rest)}: wrong without a known pattern; compare the example with NPU_TRACE=1`);
  }
  return lines;
}

/** Where one of these explains wrong products, nothing else about them means anything. */
const EXPLANATIONS: readonly SignKey[] = ['memoryExplains', 'subnormals', 'rounding'];

function speaksOf({ signs }: SignedFinding, key: SignKey): boolean {
  const keys = signs.map(sign => sign.key);
  const explanation = EXPLANATIONS.find(candidate => keys.includes(candidate));
  return explanation === undefined ? keys.includes(key) : key === explanation;
}

function meaningText(
  key: SignKey,
  { means, next }: Meaning,
  concerned: readonly SignedFinding[],
  matricesChecked: number | undefined,
): string {
  const one = new Set(concerned.map(matrixOf)).size === 1;
  if (key === 'core' && one && matricesChecked !== undefined && matricesChecked > 1) {
    return "what one core computes is wrong here, and right elsewhere: look at that task's program and weights";
  }
  return `${means}; ${next}`;
}

/** Where it was found, and the words of the sign where all agree: `layers.0.wo, layers.1.wo (core 1)`. */
function placesText(concerned: readonly SignedFinding[], key: SignKey): string {
  const texts = new Set(
    concerned.flatMap(({ signs }) => signs.filter(sign => sign.key === key).map(({ text }) => text)),
  );
  const [text] = texts;
  return texts.size === 1 ? `${namesOf(concerned)} (${text})` : namesOf(concerned);
}

function namesOf(findings: readonly SignedFinding[]): string {
  const places = [...new Set(findings.map(({ finding }) => finding.place))];
  const shown = places.slice(0, MAX_PLACES).join(', ');
  return places.length > MAX_PLACES ? `${shown} and ${places.length - MAX_PLACES} more` : shown;
}
