import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { predictBoard } from '../src/board/predictions.js';
import { budgetTable, figureTable } from '../src/docs/markdown.js';
import { budgetPlot, ratePlot } from '../src/docs/plots.js';
import { blocks, DOCS_FOLDER, DOCS_RESULTS, filled } from '../src/docs/write-docs.js';
import { readResults } from '../src/results-file.js';
import { formatTable, tableRows } from '../src/table.js';
import { SAMPLE } from './support/sample-results.js';

describe('docs/performance.md', () => {
  test('says what its results say (pnpm bench --from docs/performance/results.json --write-docs)', () => {
    const path = join(DOCS_FOLDER, 'performance.md');
    const document = readFileSync(path, 'utf8');
    expect(filled(document, path, blocks(readResults(DOCS_RESULTS)))).toBe(document);
  });

  test('without a place for a table is an error that names it', () => {
    expect(() => filled('nothing', 'performance.md', { board: 'x' })).toThrow(
      'performance.md: has no place for board',
    );
  });
});

describe('the tables', () => {
  test('have a line for each thing that a figure is held against, and for what was not measured', () => {
    const text = formatTable(SAMPLE.sections.flatMap(tableRows));
    expect(text).toMatch(/decode around position 64 +80.0 tok\/s +C, -O3 +10.0 tok\/s +8.00\n/);
    expect(text).toMatch(/C \| with a bar +50.0 tok\/s +1.60 +at least 1.5: reached\n/);
    expect(text).toMatch(/llama2.c's own program +not measured: not given\n/);
    expect(text).toMatch(/host work +2.00 ms +at most 1.5: missed\n/);
  });

  test('keep a bar in a name from being a column', () =>
    expect(figureTable(SAMPLE)).toContain('C \\| with a bar'));

  test('add up a budget', () => {
    expect(budgetTable(SAMPLE)).toContain('| attention | 128 | 1024 |');
    expect(budgetTable(SAMPLE)).toContain('| **together** | **10158** | **11054** |');
  });
});

describe('the model of a board', () => {
  test('is fed with what was measured: counts, host work, and how much slower the CPU is', () => {
    const { cpuFactor, ours } = predictBoard(SAMPLE)!;
    expect(cpuFactor.best).toBeCloseTo(10 / 9.7);
    expect(ours.map(({ counts }) => counts.cores)).toEqual([1, 3]);
    const host = ours[1]!.prediction.terms.find(({ name }) => name === 'host work')!;
    expect(host.best).toBeCloseTo((2000 * 10) / 9.7);
  });

  test('says nothing where a part was not measured', () => {
    for (const { part } of SAMPLE.sections) {
      const sections = SAMPLE.sections.filter(one => one.part !== part);
      expect(predictBoard({ ...SAMPLE, sections })).toBeUndefined();
    }
  });

  test('says nothing of a model that nothing is published of', () => {
    const sections = SAMPLE.sections.map(one => ({ ...one, shape: { ...one.shape, layerCount: 6 } }));
    expect(predictBoard({ ...SAMPLE, sections })).toBeUndefined();
  });
});

describe('the plots', () => {
  const drawn = {
    rates: ratePlot(SAMPLE)!,
    token: budgetPlot(SAMPLE, 'token')!,
    host: budgetPlot(SAMPLE, 'host')!,
  };

  test.each(Object.entries(drawn))(
    '%s: an SVG file of its own, with a background and no undrawn number',
    (_name, svg) => {
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 820 \d+"/);
      expect(svg).toMatch(/^<svg [^>]+><rect width="820"/);
      expect(svg).not.toMatch(/NaN|undefined|Infinity|<style/);
    },
  );

  test("the host's has its stages alone", () => {
    expect(drawn.token).toContain('>submit<');
    expect(drawn.host).not.toContain('>submit<');
    expect(drawn.host).toContain('>attention<');
  });

  test('are not drawn of what was not measured', () => {
    const empty = { ...SAMPLE, sections: [] };
    expect([ratePlot(empty), budgetPlot(empty, 'token')]).toEqual([undefined, undefined]);
  });
});
