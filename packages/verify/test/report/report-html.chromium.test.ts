import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { reportHtml } from '../../src/report/report-html.js';
import { CHROMIUM_TIMEOUT_MS, describeChromium, launchChromium } from '../support/chromium.js';
import { TemporaryFolder } from '../support/models.js';
import { SAMPLES } from '../support/report-samples.js';

type Sample = keyof typeof SAMPLES;
type View = Partial<{ colorScheme: 'light' | 'dark'; width: number }>;

/** A4 without margins of 12 mm, in CSS pixels. */
const PAPER_WIDTH = 703;

/**
 * Text with too little contrast (WCAG 2 AA: 4.5, or 3 for large text), as an expression to evaluate in the page: what is
 * shown, its color and that of the nearest background that is not transparent.
 */
const PALE_TEXT = `(() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const background = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
      if (color[3] !== 0) return [NaN, NaN, NaN];
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || !element.checkVisibility() || element.closest('.hidden')) continue;
    const style = getComputedStyle(element);
    const color = channels(element.closest('svg') ? style.fill : style.color);
    const [light, dark] = [luminance(color), luminance(background(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24;
    if (!((light + 0.05) / (dark + 0.05) >= (large ? 3 : 4.5)) || style.opacity !== '1') pale.push(element.outerHTML.slice(0, 80));
  }
  return pale;
})()`;

describeChromium('the page in Chromium', () => {
  const folder = new TemporaryFolder();
  let browser: Browser;

  beforeAll(async () => {
    for (const [name, sample] of Object.entries(SAMPLES)) {
      writeFileSync(folder.file(`${name}.html`), await reportHtml(sample()));
    }
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    folder[Symbol.dispose]();
  });

  /** Opens a sample's page, without scripts as in the viewers of artifacts, and closes it after `body`. */
  async function withPage(
    sample: Sample,
    { colorScheme = 'light', width = 1180 }: View,
    body: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      colorScheme,
      viewport: { width, height: 900 },
    });
    context.setDefaultTimeout(CHROMIUM_TIMEOUT_MS);
    try {
      const page = await context.newPage();
      const said: string[] = [];
      const fetched: string[] = [];
      page.on('console', message => said.push(message.text()));
      page.on('pageerror', error => said.push(String(error)));
      page.on('request', request => fetched.push(request.url()));
      const url = pathToFileURL(folder.file(`${sample}.html`)).href;
      await page.goto(url);
      await body(page);
      expect(said).toEqual([]);
      expect(fetched.filter(other => other !== url && other !== 'data:,')).toEqual([]);
    } finally {
      await context.close();
    }
  }

  const samples = Object.keys(SAMPLES) as Sample[];

  test.each(samples)('shows the verdict and its reason first: %s', async sample => {
    await withPage(sample, {}, async page => {
      const word = { pass: 'PASS', fail: 'FAIL', error: 'ERROR' }[SAMPLES[sample]().verdict];
      const heading = page.getByRole('heading', { level: 1 });
      expect(await heading.textContent()).toContain(word);
      const box = (await heading.boundingBox())!;
      expect(box.y + box.height).toBeLessThan(200);
      expect(box.height).toBeGreaterThan(40);
      expect(await page.locator('.why').isVisible()).toBe(true);
    });
  });

  test.each(samples)('is no wider than the window, whatever stands in it: %s', async sample => {
    await withPage(sample, {}, async page => {
      await unfold(page);
      for (const width of [400, 768, 1180]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      }
    });
  });

  test.each(samples)('has enough contrast everywhere, light and dark: %s', async sample => {
    await withPage(sample, {}, async page => {
      await unfold(page);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect({ colorScheme, pale: await page.evaluate(PALE_TEXT) }).toEqual({ colorScheme, pale: [] });
      }
    });
  });

  test('is light or dark as the browser is', async () => {
    const background = 'getComputedStyle(document.body).backgroundColor';
    await withPage('failing', { colorScheme: 'light' }, async page => {
      expect(await page.evaluate(background)).toBe('rgb(246, 247, 248)');
    });
    await withPage('failing', { colorScheme: 'dark' }, async page => {
      expect(await page.evaluate(background)).toBe('rgb(15, 18, 22)');
    });
  });

  test('draws lines across the plots, bands where positions fail, and names every plot', async () => {
    await withPage('failing', {}, async page => {
      const prompt = page.locator('#prompt-2-0');
      expect(await prompt.getByRole('img').count()).toBe(3);
      const plot = prompt.getByRole('img', { name: /^RMS error of the logits/ });
      const { width } = (await plot.boundingBox())!;
      for (const yardstick of ['fp32', 'fp16']) {
        const line = (await plot.locator(`.line.${yardstick}`).first().boundingBox())!;
        expect(line.width / width).toBeGreaterThan(0.8);
        expect(line.height).toBeGreaterThan(20);
        const limit = (await plot.locator(`.limit.${yardstick}`).first().boundingBox())!;
        expect(limit.width / width).toBeGreaterThan(0.8);
      }
      // 41 to 43 are one band; 60, 88, 100 and 127.
      expect(await plot.locator('.band.failing rect').count()).toBe(5);
      const dashes = `getComputedStyle(document.querySelector('svg.plot .limit.fp16')).strokeDasharray`;
      expect(await page.evaluate(dashes)).toBe('5px, 4px');
    });
  });

  test('shows a cell for each matrix, the wrong one unlike all others', async () => {
    await withPage('failing', {}, async page => {
      const cells = page.locator('#matrices td.cell');
      expect(await cells.count()).toBe(43);
      const shades = await page.evaluate(
        `[...document.querySelectorAll('#matrices td.cell')].map(cell => getComputedStyle(cell).backgroundColor)`,
      );
      const wrong = page.locator('#matrices td.cell.wrong');
      expect(await wrong.count()).toBe(1);
      expect(await wrong.textContent()).toBe('✗ 60000');
      const shade = await page.evaluate(
        `getComputedStyle(document.querySelector('td.wrong')).backgroundColor`,
      );
      expect((shades as string[]).filter(other => other === shade)).toHaveLength(1);
    });
  });

  test('marks tokens so that they are seen, with both candidates in a tooltip', async () => {
    await withPage('failing', {}, async page => {
      const marks = page.locator('#prompt-2-0 .story mark.failing');
      expect(await marks.count()).toBe(7);
      expect(await marks.first().isVisible()).toBe(true);
      expect(await page.locator('#prompt-2-0 .story .instead').first().isVisible()).toBe(true);
      expect(await page.locator('#prompt-2-0 .story [title^="position 41"]').count()).toBe(1);
    });
  });

  test('unfolds a prompt by a click, without a script', async () => {
    await withPage('failing', {}, async page => {
      const story = page.locator('#prompt-1-0 .story');
      expect(await story.isVisible()).toBe(false);
      await page.locator('#prompt-1-0 summary').click();
      expect(await story.isVisible()).toBe(true);
    });
  });

  test('leads from the table of prompts to each of them', async () => {
    await withPage('merged', {}, async page => {
      await page.getByRole('link', { name: '3 of 96 fail' }).click();
      const box = await page.locator('#prompt-3-2').boundingBox();
      expect(box!.y).toBeLessThan(900);
    });
  });

  test('has boards side by side where there is room', async () => {
    await withPage('merged', {}, async page => {
      const [first, second] = await page.locator('.heat').all();
      const [left, right] = [(await first!.boundingBox())!, (await second!.boundingBox())!];
      expect(right.y).toBe(left.y);
      expect(right.x).toBeGreaterThan(left.x + left.width);
    });
  });

  test.each(['passing', 'failing', 'merged'] as const)('prints light and whole: %s', async sample => {
    await withPage(sample, { colorScheme: 'dark', width: PAPER_WIDTH }, async page => {
      const pdf = await page.pdf({ format: 'A4', printBackground: true });
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
      await page.emulateMedia({ media: 'print' });
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        'rgb(255, 255, 255)',
      );
      expect(await page.evaluate(PALE_TEXT)).toEqual([]);
      const clipped = await page.evaluate(
        `[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && !e.closest('.hidden') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))`,
      );
      expect(clipped).toEqual([]);
    });
  });

  async function unfold(page: Page): Promise<void> {
    await page.evaluate(`document.querySelectorAll('details').forEach(details => { details.open = true; })`);
  }
});
