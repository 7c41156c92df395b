import { termsToAttack } from '../board/model.js';
import { PUBLISHED_PORT, type Range } from '../board/parameters.js';
import type { BoardPredictions } from '../board/predictions.js';
import { isPlausible } from '../board/predictions.js';
import type { Results } from '../results.js';
import { markdownTable, tableRows } from '../table.js';
import { threeDigits } from '../units.js';

/** When, where and of what: a line above the figures. */
export function provenance({ machine, sections }: Results): string {
  const all = (of: (section: Results['sections'][number]) => string): string =>
    [...new Set(sections.map(of))].join('; ');
  const { cpu, cores, memoryBytes, architecture, kernel, node, compiler } = machine;
  return [
    `- ${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${architecture}, Linux ${kernel}`,
    `- Node ${node}; ${compiler ?? 'no C compiler'}`,
    `- ${all(({ model }) => model)}; ${all(({ device }) => device)}`,
    `- measured ${all(({ date }) => date.slice(0, 10))} at ${all(({ commit }) => commit ?? 'an unknown commit')}; medians of ${all(({ runs }) => String(runs))}`,
  ].join('\n');
}

/** The figures, their limits and ratios. */
export function figureTable(results: Results): string {
  return markdownTable(results.sections.flatMap(tableRows));
}

/** The budget of one token: stages by positions, in microseconds. */
export function budgetTable({ sections }: Results): string {
  const budgets = sections.flatMap(section => section.budgets ?? []);
  if (budgets.length === 0) return 'Not measured.';
  const names = [...new Set(budgets.flatMap(({ stages }) => stages.map(({ name }) => name)))];
  const cell = (name: string, i: number): string => {
    const stage = budgets[i]!.stages.find(one => one.name === name);
    return stage === undefined ? '-' : stage.microseconds.toFixed(0);
  };
  const total = budgets.map(({ stages }) =>
    stages.reduce((sum, { microseconds }) => sum + microseconds, 0).toFixed(0),
  );
  return [
    `| stage | ${budgets.map(({ position }) => `us at position ${position}`).join(' | ')} |`,
    `| --- | ${budgets.map(() => '---:').join(' | ')} |`,
    ...names.map(name => `| ${name} | ${budgets.map((_, i) => cell(name, i)).join(' | ')} |`),
    `| **together** | ${total.map(text => `**${text}**`).join(' | ')} |`,
  ].join('\n');
}

/** What the model of a board predicts, term by term, and what it says of the published port. */
export function boardTables(predictions: BoardPredictions | undefined): string {
  if (predictions === undefined) return 'Not measured: it takes decode, host and board of one run.';
  const { ours, port, cpuFactor, measuredHostMicroseconds } = predictions;
  const milliseconds = ({ best, worst }: Range): string =>
    `${threeDigits(best / 1000)} to ${threeDigits(worst / 1000)}`;
  const rate = ({ best, worst }: Range): string => `${threeDigits(worst)} to ${threeDigits(best)}`;
  const names = ours[0]!.prediction.terms.map(({ name }) => name);
  const cells = (of: (one: (typeof ours)[number]) => string): string => ours.map(of).join(' | ');
  const attack = termsToAttack(ours.at(-1)!.prediction);
  const published = `${PUBLISHED_PORT.tokensPerSecond.worst} to ${PUBLISHED_PORT.tokensPerSecond.best}`;
  return [
    `Host work of ${threeDigits(measuredHostMicroseconds / 1000)} ms measured here, times ${threeDigits(cpuFactor.best)} to ${threeDigits(cpuFactor.worst)}.`,
    '',
    `| a token asks for | ${cells(({ counts }) => coreText(counts.cores))} |`,
    `| --- | ${cells(() => '---:')} |`,
    `| weights, MB | ${cells(({ counts }) => (counts.weightBytes / 1e6).toFixed(1))} |`,
    `| activations, results and programs, MB | ${cells(({ counts }) => ((counts.featureBytes + counts.resultBytes + counts.programBytes) / 1e6).toFixed(2))} |`,
    `| multiply-accumulates, millions | ${cells(({ counts }) => (counts.macs / 1e6).toFixed(1))} |`,
    `| submits, tasks | ${cells(({ counts }) => `${counts.submits}, ${counts.tasks}`)} |`,
    '',
    `| ms a token | ${cells(({ counts }) => coreText(counts.cores))} |`,
    `| --- | ${cells(() => '---:')} |`,
    ...names.map(
      name =>
        `| ${name} | ${cells(({ prediction }) => milliseconds(prediction.terms.find(term => term.name === name)!))} |`,
    ),
    `| **together** | ${cells(({ prediction }) => `**${milliseconds(prediction.token)}**`)} |`,
    `| **tok/s** | ${cells(({ prediction }) => `**${rate(prediction.tokensPerSecond)}**`)} |`,
    '',
    `Checked against the published port (${published} tok/s): ${port
      .map(
        ({ cores, prediction }) =>
          `on ${coreText(cores)} the model allows ${rate(prediction.tokensPerSecond)}, which ${isPlausible(prediction) ? 'includes' : 'does not include'} it`,
      )
      .join('; ')}.`,
    '',
    `What to attack next on three cores, by the middle of each range: ${attack.map(term => `${term.name} (${milliseconds(term)} ms)`).join(', ')}.`,
  ].join('\n');
}

function coreText(cores: number): string {
  return cores === 1 ? '1 core' : `${cores} cores`;
}
