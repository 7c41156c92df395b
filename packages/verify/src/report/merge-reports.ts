import { UsageError } from '@npu-llama/format';
import type { VerifyReport } from './schema.js';
import { summarise, worstVerdict } from './summary.js';
import { printable } from './words.js';

export interface ReportFile {
  readonly path: string;
  readonly report: VerifyReport;
}

/**
 * One document of several boards' documents: runs side by side, prompts by number and then by run, the summary of them
 * all, the worst verdict. Boards may each have a shard of a suite, or several the same one, or all of it.
 * @throws UsageError when they are not of one model, suite, reference and tolerances, or a shard is missing: names the files
 */
export function mergeReports(files: readonly ReportFile[]): VerifyReport {
  const [first, ...others] = files;
  if (first === undefined)
    throw new UsageError('nothing to merge', { wanted: 'reports of verify-npu --json' });
  for (const other of others) requireSameSubject(first, other);
  requireDistinctRuns(files);
  requireEveryShard(files);
  const reports = files.map(({ report }) => report);
  const prompts = gather(reports, 'prompts').sort((a, b) => a.number - b.number || a.run - b.run);
  return {
    ...first.report,
    command: `verify-npu merge ${files.map(({ path }) => quoted(path)).join(' ')}`,
    verdict: worstVerdict(reports.map(({ verdict }) => verdict)),
    runs: reports.flatMap(({ runs }) => runs),
    summary: summarise(prompts),
    prompts,
    matrices: gather(reports, 'matrices'),
    diagnoses: gather(reports, 'diagnoses'),
    stability: gather(reports, 'stability'),
    notes: gather(reports, 'notes'),
  };
}

type Part = 'prompts' | 'matrices' | 'diagnoses' | 'stability' | 'notes';

/** One part of every report, its runs counted on. */
function gather<P extends Part>(reports: readonly VerifyReport[], part: P): VerifyReport[P] {
  let offset = 0;
  const all: { run: number }[] = [];
  for (const report of reports) {
    for (const one of report[part]) all.push({ ...one, run: one.run + offset });
    offset += report.runs.length;
  }
  return all as VerifyReport[P];
}

/** What has to be the same, and what it is called. Paths may differ from board to board. */
const SUBJECT: readonly (readonly [string, (report: VerifyReport) => unknown])[] = [
  ['verify-npu', ({ tool }) => tool.version],
  ['model (SHA-256 of its header)', ({ model }) => model.headerSha256],
  ['checkpoint that the model was made from (SHA-256)', ({ model }) => model.source.sha256],
  ['suite (SHA-256)', ({ suite }) => suite?.sha256 ?? 'none'],
  ['reference', ({ reference }) => reference.kind],
  ['reference (SHA-256)', ({ reference }) => ('sha256' in reference ? reference.sha256 : 'none')],
  ['tolerances', ({ tolerances }) => tolerances],
  ['choice whether accuracy counts', ({ accuracyCounts }) => accuracyCounts],
];

function requireSameSubject(first: ReportFile, other: ReportFile): void {
  for (const [what, of] of SUBJECT) {
    const [wanted, got] = [canonical(of(first.report)), canonical(of(other.report))];
    if (wanted === got) continue;
    throw new UsageError(`${first.path} and ${other.path} are not of the same ${what}`, {
      got: printable(got),
      wanted: printable(wanted),
      next: 'merge reports of one suite on one model only',
    });
  }
}

/** Text that is equal where values are, in whatever order a file has the fields. */
function canonical(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** One run in two files would count twice: a file given twice, or a merged one beside its parts. */
function requireDistinctRuns(files: readonly ReportFile[]): void {
  const seen = new Map<string, string>();
  for (const { path, report } of files) {
    for (const { machine, startedAt, shard } of report.runs) {
      const key = JSON.stringify([machine.host, startedAt, shard?.index]);
      const other = seen.get(key);
      if (other !== undefined) {
        throw new UsageError(`${path} has a run that ${other} has too`, {
          got: `${printable(machine.host)} at ${startedAt} twice`,
          next: 'name each report once',
        });
      }
      seen.set(key, path);
    }
  }
}

/** Every shard of a suite ran somewhere; a board that ran the whole suite has all of them. */
function requireEveryShard(files: readonly ReportFile[]): void {
  const runs = files.flatMap(({ path, report }) => report.runs.map(({ shard }) => ({ path, shard })));
  const sharded = runs.flatMap(({ path, shard }) => (shard ? [{ path, shard }] : []));
  const [first] = sharded;
  if (first === undefined) return;
  const { count } = first.shard;
  for (const { path, shard } of sharded) {
    if (shard.count === count && shard.index >= 1 && shard.index <= count) continue;
    throw new UsageError(`${path} is of another division into shards than ${first.path}`, {
      got: `shard ${shard.index}/${shard.count}`,
      wanted: `one of 1/${count} to ${count}/${count}`,
    });
  }
  if (runs.length > sharded.length) return;
  const missing = missingShards(new Set(sharded.map(({ shard }) => shard.index)), count);
  if (missing.length === 0) return;
  throw new UsageError(`no report of ${missing.map(index => `shard ${index}/${count}`).join(', ')}`, {
    got: sharded.map(({ path, shard }) => `${path} (${shard.index}/${shard.count})`).join(', '),
    next: 'merge the reports of every shard',
  });
}

/** The first few that are missing: the count is whatever a file says. */
function missingShards(present: ReadonlySet<number>, count: number): number[] {
  const missing: number[] = [];
  for (let index = 1; index <= count && missing.length < 10; index++) {
    if (!present.has(index)) missing.push(index);
  }
  return missing;
}

/** A path as it would be typed. */
function quoted(path: string): string {
  return /^[\w./:@%+,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
