import type { Inputs } from './inputs.js';

/** A command that is interrupted. */
export interface Subject {
  readonly name: string;
  /** What stands behind `node`. @param path of a file in the run's own folder */
  readonly command: (inputs: Inputs, path: (name: string) => string) => readonly string[];
  /** The files that it writes to its folder, and what they hold before: undefined where they are not there. */
  readonly outputs: Readonly<Record<string, string | undefined>>;
  /** Whether an output is whole. @param clean what an undisturbed run wrote */
  readonly isWhole: (name: string, bytes: Buffer, clean: Buffer) => boolean;
  /** What is typed; stdin stays open behind it, unless the run is the undisturbed one. */
  readonly typed?: string;
  /** Whether stdin, stdout and stderr are a terminal: progress bars are shown then. */
  readonly onTerminal?: boolean;
}

const same = (_name: string, bytes: Buffer, clean: Buffer): boolean => bytes.equals(clean);

/** Reports hold times, so no two are the same: each kind has its end. */
const ENDS: Readonly<Record<string, string>> = {
  '.json': '}\n',
  '.xml': '</testsuites>\n',
  '.html': '</html>\n',
};
function hasItsEnd(name: string, bytes: Buffer): boolean {
  const end = ENDS[name.slice(name.lastIndexOf('.'))]!;
  const text = bytes.toString('utf8');
  if (name.endsWith('.json')) JSON.parse(text);
  return text.endsWith(end);
}

const REPORTS = { 'report.json': undefined, 'report.xml': undefined, 'report.html': undefined };
const reportOptions = (path: (name: string) => string): string[] => [
  ...['-o', path('report.json')],
  ...['--junit', path('report.xml')],
  ...['--html', path('report.html')],
];

const convert: Subject = {
  name: 'convert-weights',
  command: ({ bin, checkpoint, tokenizer }, path) => [
    bin('converter/bin/convert-weights.js'),
    ...[checkpoint, '-z', tokenizer, '-o', path('m.npu'), '--force'],
  ],
  outputs: { 'm.npu': undefined },
  isWhole: same,
};
const run: Subject = {
  name: 'run-npu',
  command: ({ bin, model, prompt }) => [
    bin('runtime/bin/run-npu.js'),
    ...[model, '--device', 'sim', '-t', '0', '-n', '150', '-i', prompt],
  ],
  outputs: {},
  isWhole: same,
};
const verify: Subject = {
  name: 'verify-npu',
  command: ({ bin, tales, talesCheckpoint }, path) => [
    bin('verify/bin/verify-npu.js'),
    ...[tales, '--reference', talesCheckpoint, '--device', 'sim', '-n', '12', '--diagnose'],
    ...reportOptions(path),
  ],
  outputs: REPORTS,
  isWhole: hasItsEnd,
};

/** Every command, and what it does in its different ways. */
export const SUBJECTS: readonly Subject[] = [
  convert,
  { ...convert, name: 'convert-weights --force', outputs: { 'm.npu': 'former' } },
  { ...convert, name: 'convert-weights, terminal', onTerminal: true },
  {
    ...run,
    name: 'convert-weights inspect',
    command: ({ bin, model }) => [bin('converter/bin/convert-weights.js'), 'inspect', '--check', model],
  },
  run,
  { ...run, name: 'run-npu, terminal', onTerminal: true },
  {
    ...run,
    name: 'run-npu -m chat',
    command: ({ bin, tales }) => [
      bin('runtime/bin/run-npu.js'),
      ...[tales, '--device', 'sim', '-m', 'chat', '-y', '', '-n', '80', '-t', '0'],
    ],
    typed: 'Hello\n',
  },
  verify,
  { ...verify, name: 'verify-npu, terminal', onTerminal: true },
  {
    ...verify,
    name: 'verify-npu record',
    command: ({ bin, talesCheckpoint, tales, suite }, path) => [
      bin('verify/bin/verify-npu.js'),
      ...['record', talesCheckpoint, '--model', tales, '--suite', suite, '-o', path('golden.json')],
    ],
    outputs: { 'golden.json': undefined },
  },
  {
    ...verify,
    name: 'verify-npu check',
    command: ({ bin, tales, golden }, path) => [
      bin('verify/bin/verify-npu.js'),
      ...['check', tales, '--golden', golden, '--device', 'sim', ...reportOptions(path)],
    ],
  },
  {
    ...run,
    name: 'npu-doctor',
    command: ({ bin, model }) => [bin('runtime/bin/npu-doctor.js'), model, '--device', 'sim'],
  },
  {
    ...convert,
    name: 'make-checkpoint',
    command: ({ makeCheckpoint }, path) => [
      makeCheckpoint,
      ...[
        '--preset',
        'stories15M',
        '--vocab-size',
        '8000',
        '-o',
        path('x.bin'),
        '--tokenizer',
        path('t.bin'),
      ],
    ],
    outputs: { 'x.bin': undefined, 't.bin': undefined },
  },
];
