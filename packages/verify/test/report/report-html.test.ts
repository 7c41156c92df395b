import { beforeAll, describe, expect, test } from '@jest/globals';
import { parseHTML } from 'linkedom';
import { html, trusted } from '../../src/report/html/markup.js';
import { reportHtml } from '../../src/report/report-html.js';
import type { PositionReport, PromptReport, VerifyReport } from '../../src/report/schema.js';
import {
  buildComparison,
  buildMatrices,
  buildPrompt,
  buildReport,
  buildRun,
} from '../support/report-builder.js';
import {
  errorReport,
  failingReport,
  freeReport,
  HOSTILE,
  hostileReport,
  mergedReport,
  SAMPLES,
  sweepReport,
} from '../support/report-samples.js';

/** What these tests read of a document; linkedom's own types want those of a browser. */
interface Node {
  readonly textContent: string;
  readonly attributes: Iterable<{ readonly name: string }>;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Node | null;
  querySelectorAll(selector: string): Iterable<Node>;
}

async function pageOf(report: VerifyReport): Promise<Node> {
  return parseHTML(await reportHtml(report)).document as unknown as Node;
}

/** Names of an element's attributes, as in a tag. */
function attributesOf(node: Node): string {
  return [...node.attributes].map(({ name }) => ` ${name}=`).join('');
}

function texts(page: Node, selector: string): string[] {
  return [...page.querySelectorAll(selector)].map(node => node.textContent.replaceAll(/\s+/g, ' ').trim());
}

describe('markup', () => {
  test('escapes whatever is inserted, between tags and in attributes', () => {
    expect(html`<a title="${`"'<&>`}">${'<b>&amp;</b>'}</a>`.text).toBe(
      '<a title="&quot;&#39;&lt;&amp;&gt;">&lt;b&gt;&amp;amp;&lt;/b&gt;</a>',
    );
  });

  test('leaves markup as it is, joins lists, leaves out what is not there', () => {
    expect(html`${[html`<i>${1}</i>`, undefined, false, trusted('<u></u>')]}${0}`.text).toBe(
      '<i>1</i><u></u>0',
    );
  });

  test('shows what does not print as an escape, but for line breaks', () => {
    expect(html`${'a\nb\r\u0000\u202e\ud800'}`.text).toBe('a\nb\\u000d\\u0000\\u202e\\ud800');
  });
});

describe.each(Object.entries(SAMPLES))('the page of a report, %s,', (_, sample) => {
  let text: string;
  let page: Node;
  beforeAll(async () => {
    text = await reportHtml(sample());
    page = parseHTML(text).document as unknown as Node;
  });

  test('begins with the verdict', () => {
    const word = { pass: 'PASS', fail: 'FAIL', error: 'ERROR' }[sample().verdict];
    expect(texts(page, 'main > :first-child h1')[0]).toMatch(new RegExp(`${word}$`));
    expect(page.querySelector('title')!.textContent).toMatch(new RegExp(`^${word}: `));
  });

  test('runs nothing and fetches nothing', () => {
    expect([
      ...page.querySelectorAll('script, iframe, object, embed, form, base, img, audio, video'),
    ]).toEqual([]);
    const linking = [...page.querySelectorAll('[href], [src], [srcset], [action], [data]')];
    const targets = linking.map(node => node.getAttribute('href') ?? 'other');
    expect(targets.filter(target => !/^(#|data:,$)/.test(target))).toEqual([]);
    const handlers = [...page.querySelectorAll('*')].filter(node => /\son\w+=/.test(attributesOf(node)));
    expect(handlers).toEqual([]);
    expect(page.querySelector('style')!.textContent).not.toMatch(/url\(|@import/);
  });

  test('has every part that it links to, and each id once', () => {
    const ids = [...page.querySelectorAll('[id]')].map(node => node.getAttribute('id'));
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...page.querySelectorAll('a[href^="#"]')].map(node => node.getAttribute('href')!.slice(1));
    expect(links.filter(link => !ids.includes(link))).toEqual([]);
  });

  test('names every plot and heads every table', () => {
    for (const plot of page.querySelectorAll('svg.plot')) {
      expect(plot.getAttribute('role')).toBe('img');
      expect(plot.getAttribute('aria-label')).toMatch(/by position/);
    }
    for (const table of page.querySelectorAll('table'))
      expect([...table.querySelectorAll('th')]).not.toEqual([]);
  });
});

describe('the page', () => {
  test('holds nothing of a hostile report as markup, and shows all of it', async () => {
    const text = await reportHtml(hostileReport());
    expect(text).not.toMatch(/<script|<img|alert\(1\)<\/script>/);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{C}|\p{Zl}|\p{Zp}/u);
    const page = parseHTML(text).document as unknown as Node;
    const shown = HOSTILE.replace('\u0000', '\\u0000')
      .replace('\u0007', '\\u0007')
      .replace('\u001b', '\\u001b')
      .replace('\u202e', '\\u202e')
      .replace('\ud800', '\\ud800');
    expect(texts(page, '.tool')).toEqual([`verify-npu ${shown}`]);
    expect(texts(page, '.conclusions p')).toEqual([`${shown}.`]);
    expect(texts(page, '.notes li')).toEqual([shown]);
    expect(texts(page, 'details h3')[0]).toBe(`1 · ${shown}`);
  });

  test('puts the diagnosis before the figures, what it means in words with it', async () => {
    const page = await pageOf(failingReport());
    const sections = [...page.querySelectorAll('main > section')].map(node => node.getAttribute('id'));
    expect(sections).toEqual([
      'notes',
      'diagnosis',
      'summary',
      'matrices',
      'stability',
      'identity',
      'prompts',
    ]);
    expect(texts(page, '.findings strong')).toEqual(['layers.3.w2', 'layers.3.w2']);
    expect(texts(page, '.conclusions p')[0]).toMatch(/^One 16-row group/);
    expect(texts(page, '.why')[0]).toMatch(
      /^The first wrong place is layers\.3\.w2: 16 of 288 outputs wrong .*\.$/,
    );
  });

  test('unfolds the prompts that fail, and no other', async () => {
    const page = await pageOf(failingReport());
    const open = [...page.querySelectorAll('details')].map(node => node.getAttribute('open') !== null);
    expect(open).toEqual([false, true, true]);
  });

  test('marks the words after positions that fail, with what the NPU would have written', async () => {
    const page = await pageOf(failingReport());
    const story = page.querySelector('#prompt-2-0 .story')!;
    const failing = [...story.querySelectorAll('mark.failing')].map(node => node.textContent);
    expect(failing.slice(0, 3)).toEqual(['and', 'had', 'no']);
    // One position has no logits to compare, so no other word: 7 marks, 6 boxes.
    expect(failing).toHaveLength(7);
    expect([...story.querySelectorAll('.instead.failing')]).toHaveLength(6);
    const title = [...story.querySelectorAll('[title]')].map(node => node.getAttribute('title')!)[1];
    expect(title).toMatch(
      /^position 41, after " red" \(34\): NPU "[^"]+" \(\d+\) at 8\.9012, reference " and" \(20\) at 8\.8457\nto the FP16-aware/,
    );
  });

  test('tells the prompt from what was written, and words that tie or cost too much from those that fail', async () => {
    const page = await pageOf(failingReport());
    expect(page.querySelector('#prompt-1-0 .given')!.textContent).toBe('<s>Once upon a time a small fox');
    expect([...page.querySelectorAll('#prompt-1-0 mark.inaccurate')]).toHaveLength(1);
    const free = await pageOf(freeReport());
    expect([...free.querySelectorAll('#prompt-1-0 mark.tied')]).toHaveLength(1);
  });

  test('shows where the ways part with both candidates, their logits and margins', async () => {
    const page = await pageOf(freeReport());
    expect(texts(page, '#prompt-1-0 .fork .npu')[0]).toMatch(
      /" every" \(21\).* logit to the reference 8\.8377, the NPU gives it 8\.8412.*0\.0021/,
    );
    expect(texts(page, '#prompt-1-0 .fork .reference')[0]).toMatch(/8\.8457.*8\.8391.*0\.0080/);
    expect(texts(page, '#prompt-1-0 .story .instead')).toEqual(['NPU: every']);
    expect(page.querySelector('#prompt-2-0 .fork')).toBeNull();
  });

  test('shows a token that is nothing but space', async () => {
    const prompt = buildPrompt({ number: 1, count: 50, wrong: [41] });
    const pieces = Object.fromEntries(Object.keys(prompt.pieces).map(token => [token, ' ']));
    const page = await pageOf(buildReport({ prompts: [{ ...prompt, pieces }] }));
    expect(texts(page, '.story .instead')).toEqual(['NPU: ␣']);
  });

  test('maps every matrix, the classifier by itself, the wrong ones with a cross', async () => {
    const page = await pageOf(failingReport());
    expect([...page.querySelectorAll('.heat td.cell')]).toHaveLength(43);
    expect(texts(page, '.heat thead th')).toEqual(['layer', 'wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2']);
    expect(texts(page, '.heat td.wrong')).toEqual(['✗ 60000']);
    expect(texts(page, '.heat tbody tr:last-child')[0]).toMatch(/^classifier/);
  });

  test('maps what was checked when that is not all, and errors that are no numbers', async () => {
    const [first] = buildMatrices();
    const nan = { ...first!, worst: 'NaN' as const, verdict: 'fail' as const };
    const classifier = buildMatrices().at(-1)!;
    expect(texts(await pageOf(buildReport({ matrices: [nan] })), '.heat td')).toEqual(['✗ NaN']);
    expect(texts(await pageOf(buildReport({ matrices: [classifier] })), '.heat td')).toHaveLength(1);
    const gap = [buildMatrices()[0]!, buildMatrices()[8]!];
    expect(texts(await pageOf(buildReport({ matrices: gap })), '.heat td.none')).toHaveLength(2);
  });

  test('sets boards side by side', async () => {
    const page = await pageOf(mergedReport());
    expect([...page.querySelectorAll('.heat')]).toHaveLength(3);
    expect(texts(page, '#identity thead th').slice(0, 3)).toEqual(['board-a', 'board-b', 'board-c']);
    const rows = texts(page, '#summary tbody tr').slice(-4);
    expect(rows[2]).toMatch(/^3 ?story 3 ?✓ pass.*– not run ?✗ 3 of 96 fail/);
  });

  test('of an error has its reason first, of a sweep no prompts', async () => {
    expect(texts(await pageOf(errorReport()), '.why')[0]).toMatch(/^SUBMIT timed out/);
    const sweep = await pageOf(sweepReport());
    expect(sweep.querySelector('#prompts')).toBeNull();
    expect(texts(sweep, '#matrices p')[0]).toContain('random inputs');
  });

  test('goes on where there is little: no device, no pieces, no names', async () => {
    const { device: _, ...run } = buildRun({
      verdict: 'error',
      error: { message: 'no device', exitStatus: 3 },
    });
    const page = await pageOf(
      buildReport({ runs: [run], prompts: [buildPrompt({ count: 3, pieces: {}, name: '' })] }),
    );
    expect(texts(page, 'dl.facts dd')[1]).toBe('none was opened');
    expect(texts(page, '.story .special')).toEqual(['1', '3', '4']);
  });
});

describe('plots', () => {
  const lineOf = (page: Node, yardstick: string): string =>
    page
      .querySelector(`svg.plot .line.${yardstick} path, svg.plot path.line.${yardstick}`)
      ?.getAttribute('d') ?? '';

  async function promptPage(change: (position: PositionReport) => PositionReport, count = 60): Promise<Node> {
    return pageOf(buildReport({ prompts: [buildPrompt({ count, change })] }));
  }

  test('have a line for each reference, tolerances, and say their extremes', async () => {
    const page = await promptPage(same => same);
    expect([...page.querySelectorAll('svg.plot')]).toHaveLength(2);
    for (const yardstick of ['fp32', 'fp16']) {
      expect(lineOf(page, yardstick).split(/[ML]/)).toHaveLength(61);
      expect([...page.querySelectorAll(`svg.plot .limit.${yardstick}`)]).not.toEqual([]);
    }
    expect(page.querySelector('svg.plot')!.getAttribute('aria-label')).toMatch(
      /^RMS error .* Against FP16-aware: at most 2\.\de-5, at position \d+; tolerance 0\.01\.$/,
    );
  });

  test('leave gaps where nothing could be compared, and mark what stands alone', async () => {
    const page = await promptPage(({ fp16, ...position }) =>
      position.position % 2 === 0 ? { ...position, ...(fp16 && { fp16 }) } : position,
    );
    expect([...page.querySelectorAll('svg.plot .dot.fp16 circle, svg.plot circle.dot.fp16')]).toHaveLength(
      2 * 30,
    );
  });

  test('draw zero and what is beyond all bounds without ending up nowhere', async () => {
    const page = await promptPage(position => ({
      ...position,
      fp16: buildComparison(3, position.position === 5 ? Number.MAX_VALUE : 0, 0),
    }));
    expect(lineOf(page, 'fp16')).not.toMatch(/NaN|Infinity/);
    expect(lineOf(page, 'fp16').split(/[ML]/)).toHaveLength(61);
    expect(texts(page, 'figcaption')[0]).toContain('(what is below 10⁻⁶ is drawn there)');
  });

  test('are none where nothing could be compared at all', async () => {
    const prompt: Partial<PromptReport> = { failures: [{ kind: 'length', got: 1, wanted: 512 }] };
    const page = await pageOf(
      buildReport({
        prompts: [buildPrompt({ ...prompt, count: 4, change: ({ fp32: _a, fp16: _b, ...rest }) => rest })],
      }),
    );
    expect([...page.querySelectorAll('svg.plot')]).toEqual([]);
    expect(texts(page, '#prompts .muted').join()).toContain('there is nothing to plot');
  });

  test('show margins as part of the spread where tokens differ', async () => {
    const page = await pageOf(buildReport({ prompts: [buildPrompt({ count: 20, wrong: [4, 9] })] }));
    expect([...page.querySelectorAll('svg.plot')]).toHaveLength(3);
    expect([...page.querySelectorAll('svg.plot .stem line, svg.plot line.stem')]).toHaveLength(2);
  });
});

test('a page of 50 prompts of 256 positions stays small', async () => {
  const prompts = Array.from({ length: 50 }, (_, i) => buildPrompt({ number: i + 1, count: 256 }));
  const text = await reportHtml(buildReport({ prompts, matrices: buildMatrices() }));
  expect(Buffer.byteLength(text)).toBeLessThan(2_000_000);
});
