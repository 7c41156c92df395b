import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { type Markup, trusted } from './markup.js';

/**
 * Observable Plot draws, on a document of linkedom's, since Node has none. Only figures and our own words are drawn: no
 * text of a report gets into a plot.
 */

/** The nodes that Plot makes, as far as they are read here. */
interface DrawnNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  readonly childNodes: Iterable<DrawnNode>;
}

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** What every plot has in common: width in units of the view box, small type, nothing that needs a style sheet of Plot's. */
const COMMON = {
  document,
  width: 760,
  marginLeft: 56,
  marginRight: 12,
  style: { fontSize: '11px' },
} as const;

/**
 * Draws a plot.
 * @param label what it shows, for who cannot see it
 */
export function draw(label: string, options: Plot.PlotOptions): Markup {
  const drawn = Plot.plot({ ...COMMON, ...options, ariaLabel: label }) as unknown as DrawnNode;
  return trusted(serialize(drawn, true));
}

/**
 * Nodes as SVG in HTML: coordinates rounded to a tenth, empty labels and Plot's own style sheet left out (it takes half of
 * a small plot; the page has one for all).
 */
function serialize(node: DrawnNode, isRoot = false): string {
  if (node.nodeType === TEXT_NODE) return escaped(node.textContent ?? '');
  if (node.nodeType !== ELEMENT_NODE) return '';
  const name = node.nodeName;
  const tag = name.toLowerCase() === 'clippath' ? 'clipPath' : name.toLowerCase();
  if (tag === 'style') return '';
  const children = [...node.childNodes].map(child => serialize(child)).join('');
  if (children === '' && (tag === 'g' || tag === 'text')) return '';
  const attributes = [...node.attributes].flatMap(({ name: key, value }) =>
    // The class is that of the style sheet; the size is the page's to say.
    isRoot && (key === 'class' || key === 'width' || key === 'height')
      ? []
      : [` ${key}="${escaped(COORDINATES.has(key) ? rounded(value) : value)}"`],
  );
  return `<${tag}${isRoot ? ' role="img" class="plot"' : ''}${attributes.join('')}>${children}</${tag}>`;
}

const COORDINATES = new Set([
  'd',
  'x',
  'y',
  'x1',
  'x2',
  'y1',
  'y2',
  'cx',
  'cy',
  'width',
  'height',
  'transform',
]);

function rounded(value: string): string {
  return value.replaceAll(/-?\d+\.\d+/g, number => String(Math.round(Number(number) * 10) / 10));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
