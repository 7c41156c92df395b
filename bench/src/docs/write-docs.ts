import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileError, fileErrorFrom } from '@npu-llama/format';
import { predictBoard } from '../board/predictions.js';
import type { Results } from '../results.js';
import { writeResults, writeText } from '../results-file.js';
import { boardTables, budgetTable, figureTable, provenance } from './markdown.js';
import { budgetPlot, ratePlot } from './plots.js';

/** The repository's docs folder, from bench/dist/src/docs. */
export const DOCS_FOLDER = fileURLToPath(new URL('../../../../docs/', import.meta.url));
/** The results that the document was made from. */
export const DOCS_RESULTS = join(DOCS_FOLDER, 'performance', 'results.json');

/**
 * Writes docs/performance/results.json and *.svg, and what stands between the markers of docs/performance.md.
 * @throws FileError for a document without one of the markers, or that cannot be written
 */
export function writeDocs(results: Results, folder = DOCS_FOLDER): void {
  const path = join(folder, 'performance.md');
  const document = filled(readDocument(path), path, blocks(results));
  const drawn = join(folder, 'performance');
  if (!existsSync(drawn)) mkdirSync(drawn);
  for (const [name, svg] of Object.entries(plots(results))) {
    if (svg !== undefined) writeText(join(drawn, `${name}.svg`), svg);
  }
  writeResults(join(drawn, 'results.json'), results);
  writeText(path, document);
}

/** What goes between `<!-- bench:NAME -->` and `<!-- /bench -->`. */
export function blocks(results: Results): Readonly<Record<string, string>> {
  return {
    machine: provenance(results),
    figures: figureTable(results),
    budget: budgetTable(results),
    board: boardTables(predictBoard(results)),
  };
}

function plots(results: Results): Readonly<Record<string, string | undefined>> {
  return {
    rates: ratePlot(results),
    token: budgetPlot(results, 'token'),
    host: budgetPlot(results, 'host'),
  };
}

function readDocument(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileErrorFrom(error, path, 'read');
  }
}

/** The document with new blocks in their places. */
export function filled(document: string, path: string, contents: Readonly<Record<string, string>>): string {
  let text = document;
  for (const [name, content] of Object.entries(contents)) {
    const begin = `<!-- bench:${name} -->\n`;
    const end = '<!-- /bench -->';
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) {
      throw new FileError(path, `has no place for ${name}`, { wanted: `${begin.trimEnd()} ... ${end}` });
    }
    text = `${text.slice(0, from + begin.length)}${content}\n${text.slice(to)}`;
  }
  return text;
}
