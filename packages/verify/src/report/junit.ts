import { diagnosisLines, LISTED_POSITIONS, matrixLine, verdictReportLine } from './report-lines.js';
import type { Failure, MatrixReport, PromptReport, Stability, VerifyReport } from './schema.js';
import { findingText, verdictReason } from './verdict-words.js';
import { counted, failureText, forkText, positionText, printable, runLabel } from './words.js';
import { type XmlElement, xmlDocument } from './xml.js';

interface TestCase {
  readonly name: string;
  readonly group: 'prompts' | 'matrices' | 'stability' | 'diagnosis' | 'run';
  readonly seconds: number | undefined;
  readonly problem?: {
    readonly element: 'failure' | 'error';
    readonly type: string;
    readonly lines: readonly string[];
  };
}

/**
 * The report as JUnit XML: a test suite for each run (a board), a test case for each prompt and each matrix checked, for
 * the stability and for a run that ended in an error. It satisfies both schemas in use, Ant's and Jenkins': where one
 * demands what the other only allows, it is there.
 */
export function junitXml(report: VerifyReport): string {
  return xmlDocument({
    name: 'testsuites',
    attributes: {},
    content: report.runs.map((_, run) => suite(report, run)),
  });
}

function suite(report: VerifyReport, index: number): XmlElement {
  const run = report.runs[index]!;
  const cases = casesOf(report, index);
  const failed = (element: 'failure' | 'error'): number =>
    cases.filter(({ problem }) => problem?.element === element).length;
  const name = `verify-npu ${runLabel(report, index)}`;
  const notes = report.notes.filter(note => note.run === index).map(({ text }) => printable(text));
  return {
    name: 'testsuite',
    attributes: {
      id: index,
      package: 'verify-npu',
      name,
      // The schema allows no fraction and no zone; it is UTC.
      timestamp: new Date(run.startedAt).toISOString().slice(0, 19),
      hostname: printable(run.machine.host) || 'localhost',
      tests: cases.length,
      failures: failed('failure'),
      errors: failed('error'),
      time: seconds(run.seconds),
    },
    content: [
      { name: 'properties', attributes: {}, content: properties(report, index) },
      ...cases.map(testCase => caseElement(testCase, name)),
      {
        name: 'system-out',
        attributes: {},
        content: [...notes.map(note => `note: ${note}`), verdictReportLine(report)].join('\n'),
      },
      { name: 'system-err', attributes: {}, content: run.error ? printable(run.error.message) : '' },
    ],
  };
}

function casesOf(report: VerifyReport, index: number): TestCase[] {
  const run = report.runs[index]!;
  const prompts = report.prompts.filter(prompt => prompt.run === index);
  const matrices = report.matrices.filter(matrix => matrix.run === index);
  const stability = report.stability.filter(one => one.run === index);
  const cases: TestCase[] = [
    ...prompts.map(prompt => promptCase(report, prompt)),
    ...matrices.map(matrix => matrixCase(report, matrix)),
    ...stability.map(stabilityCase),
    ...(run.error
      ? [
          {
            name: 'the run comes to its end',
            group: 'run' as const,
            seconds: run.seconds,
            problem: {
              element: 'error' as const,
              type: `exit status ${run.error.exitStatus}`,
              lines: [printable(run.error.message)],
            },
          },
        ]
      : []),
  ];
  const told = run.verdict !== 'fail' || cases.some(({ problem }) => problem !== undefined);
  return told ? cases : [...cases, diagnosisCase(report, index)];
}

/** What fails where every prompt and every product is right, as a file that is damaged: no case else would say so. */
function diagnosisCase(report: VerifyReport, index: number): TestCase {
  const diagnoses = report.diagnoses.filter(({ run }) => run === index);
  const finding = diagnoses.flatMap(({ findings }) => findings)[0];
  return {
    name: 'nothing else is wrong',
    group: 'diagnosis',
    seconds: undefined,
    problem: {
      element: 'failure',
      type: 'diagnosis',
      lines: [
        finding ? `${printable(finding.place)}: ${findingText(finding)}` : 'the verdict of the run is "fail"',
        ...diagnoses.flatMap(diagnosisLines),
      ],
    },
  };
}

function promptCase(report: VerifyReport, prompt: PromptReport): TestCase {
  const { number, name, mode, text } = prompt;
  const label = name === '' ? text : name;
  return {
    name: `prompt ${number} (${mode}): ${printable(label === '' ? 'empty' : label)}`,
    group: 'prompts',
    seconds: prompt.seconds,
    ...(prompt.verdict === 'fail' && {
      problem: {
        element: 'failure',
        type: promptFailureKinds(report, prompt),
        lines: promptFailureLines(report, prompt),
      },
    }),
  };
}

/** What counts against something: its failures, and its accuracy where that counts. */
function countedFailures(
  { accuracyCounts }: VerifyReport,
  { failures, accuracy }: Pick<PromptReport, 'failures' | 'accuracy'>,
): readonly Failure[] {
  return accuracyCounts ? [...failures, ...accuracy] : failures;
}

/** `token, klDivergence`: every kind of failure that there is. */
function promptFailureKinds(report: VerifyReport, prompt: PromptReport): string {
  const all = [...prompt.positions, prompt].flatMap(part => countedFailures(report, part));
  return [...new Set(all.map(({ kind }) => kind))].join(', ') || 'fail';
}

/** What a red night needs: the first failing position first, then the diagnosis, then the rest. */
function promptFailureLines(report: VerifyReport, prompt: PromptReport): string[] {
  const failing = prompt.positions.filter(position => countedFailures(report, position).length > 0);
  const diagnoses = report.diagnoses.filter(
    ({ run, prompt: number }) => run === prompt.run && (number === undefined || number === prompt.number),
  );
  const lines = failing.slice(0, LISTED_POSITIONS).map(position => positionText(position, prompt.pieces));
  const [first, ...others] = [
    ...lines,
    ...countedFailures(report, prompt).map(failure => failureText(failure, prompt.pieces)),
  ];
  const unlisted = failing.length - LISTED_POSITIONS;
  return [
    first ?? `prompt ${prompt.number} fails`,
    ...(prompt.fork
      ? [`${prompt.commonTokens ?? '?'} tokens in common, ${forkText(prompt.fork, prompt.pieces)}`]
      : []),
    ...diagnoses.flatMap(diagnosisLines),
    `${failing.length} of ${counted(prompt.positions.length, 'position')} fail`,
    ...others,
    ...(unlisted > 0 ? [`and ${counted(unlisted, 'more position')}`] : []),
  ];
}

function matrixCase(report: VerifyReport, matrix: MatrixReport): TestCase {
  const findings = report.diagnoses
    .filter(({ run, findings }) => run === matrix.run && findings.some(({ place }) => place === matrix.name))
    .flatMap(diagnosisLines);
  return {
    name: printable(matrix.name),
    group: 'matrices',
    seconds: matrix.seconds,
    ...(matrix.verdict === 'fail' && {
      problem: { element: 'failure', type: 'matrix', lines: [matrixLine(matrix), ...findings] },
    }),
  };
}

function stabilityCase({ identical, repeats, seconds, unstablePositions, unstable }: Stability): TestCase {
  const [first] = unstable;
  return {
    name: `${counted(repeats, 'run')} of the same tokens are the same bit by bit`,
    group: 'stability',
    seconds,
    ...(!identical && {
      problem: {
        element: 'failure',
        type: 'unstable',
        lines: [
          `${counted(unstablePositions, 'position')} not the same in every run`,
          ...(first
            ? [
                `first at prompt ${first.prompt}, position ${first.position}: run ${first.run} gave ${counted(first.outputs, 'other logit')}`,
              ]
            : []),
        ],
      },
    }),
  };
}

function caseElement({ name, group, seconds: time, problem }: TestCase, suiteName: string): XmlElement {
  return {
    name: 'testcase',
    // What a run did not time took no time: the schema wants a number.
    attributes: { name, classname: `${suiteName}.${group}`, time: seconds(time ?? 0) },
    content: problem
      ? [
          {
            name: problem.element,
            attributes: { message: problem.lines[0], type: problem.type },
            content: problem.lines.join('\n'),
          },
        ]
      : [],
  };
}

function properties(report: VerifyReport, index: number): XmlElement[] {
  const { tool, model, reference, suite: suiteFile, command } = report;
  const { device, machine, shard } = report.runs[index]!;
  const values: Readonly<Record<string, string | number | undefined>> = {
    verdict: report.runs[index]!.verdict,
    reason: verdictReason(report),
    tool: `${tool.name} ${tool.version}`,
    command,
    'device.description': device?.description,
    'device.kind': device?.kind,
    'device.driver': device?.driver,
    'device.cores': device?.cores,
    'device.ffi': device?.ffi,
    'machine.kernel': machine.kernel,
    'machine.arch': machine.arch,
    'machine.node': machine.node,
    'model.path': model.path,
    'model.bytes': model.bytes,
    'model.headerSha256': model.headerSha256,
    'model.source.name': model.source.name,
    'model.source.sha256': model.source.sha256,
    'model.converter': model.converter,
    'reference.kind': reference.kind,
    'reference.sha256': 'sha256' in reference ? reference.sha256 : undefined,
    'suite.name': suiteFile?.name,
    'suite.sha256': suiteFile?.sha256,
    shard: shard && `${shard.index}/${shard.count}`,
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [{ name: 'property', attributes: { name, value: printable(String(value)) }, content: [] }],
  );
}

/** xs:decimal: no exponent, and nothing that is not finite. */
function seconds(value: number): string {
  return (Number.isFinite(value) ? Math.max(0, value) : 0).toFixed(3);
}
