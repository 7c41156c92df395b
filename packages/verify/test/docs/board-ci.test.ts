import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { talesFixture } from '@npu-llama/fixtures';
import { parse } from 'yaml';
import { parseOptions } from '../../src/cli/parse-options.js';
import { readReport } from '../../src/report/index.js';
import { TemporaryFolder } from '../support/models.js';

/** The recipe in docs/board-ci.md, run as it stands: the workstation's job, two boards', and what brings them together. */

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
}
interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly Step[]; readonly strategy?: { readonly matrix: unknown } }>
  >;
}

const packages = fileURLToPath(new URL('../../../../', import.meta.url));
const doc = readFileSync(join(packages, '../docs/board-ci.md'), 'utf8');
const workflow = parse(/```yaml\n([\s\S]*?)```/.exec(doc)![1]!) as Workflow;

/**
 * What stands in for the workflow's surroundings: npx runs the packages of this repository (on a board, with a simulated
 * NPU under them at a node that is named, since this machine's /dev/dri cannot be listed), curl finds the fixture.
 */
const SURROUNDINGS = `
set -euo pipefail
npx() {
  [ "$1 $2" = "pnpm@12 exec" ] || { echo "unexpected: npx $*" >&2; return 99; }
  local command=$3; shift 3
  local device=()
  if [ -n "\${BOARD:-}" ] && [ "$command" = verify-npu ]; then device=(--device-path /dev/dri/card1); fi
  case $command in
    convert-weights) node "$PACKAGES/converter/bin/convert-weights.js" "$@" ;;
    verify-npu)
      if [ -n "\${BOARD:-}" ]; then node "$PACKAGES/simulator/bin/npu-sim.js" node "$PACKAGES/verify/bin/verify-npu.js" "$@" "\${device[@]}"
      else node "$PACKAGES/verify/bin/verify-npu.js" "$@"; fi ;;
    *) echo "unexpected: $command" >&2; return 99 ;;
  esac
}
curl() { cp "\${!#}" "$4"; }
`;

let folder: TemporaryFolder;

beforeAll(() => {
  folder = new TemporaryFolder();
});

afterAll(() => {
  folder[Symbol.dispose]();
});

/** Runs those steps of a job that do something of this project's, in a folder of the job's own. */
function runJob(name: string, values: Readonly<Record<string, string>>, environment = {}): string {
  const cwd = folder.file(name + (values['matrix.board'] ?? ''));
  mkdirSync(cwd, { recursive: true });
  const scripts = workflow.jobs[name]!.steps.flatMap(({ run }) => (run?.includes('exec') ? [run] : []));
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) {
    const filled = script.replaceAll(/\$\{\{ ([\w.]+) \}\}/g, (_, key: string) => {
      if (values[key] === undefined) throw new Error(`${key} has no value`);
      return values[key];
    });
    execFileSync('bash', ['-c', `${SURROUNDINGS}\n${filled}`], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PACKAGES: packages, SUITE: talesFixture.suite, ...environment },
    });
  }
  return cwd;
}

describe('the recipe for a board in CI', () => {
  test('is a workflow of three jobs, in which reports are uploaded also when a check fails', () => {
    expect(Object.keys(workflow.jobs)).toEqual(['golden', 'board', 'together']);
    const upload = workflow.jobs['board']!.steps.at(-1)!;
    expect(upload).toMatchObject({ if: 'always()', uses: expect.stringContaining('upload-artifact') });
  });

  test('runs as it stands, from checkpoint to merged page', () => {
    const urls = {
      'vars.CHECKPOINT_URL': talesFixture.checkpoint,
      'vars.TOKENIZER_URL': talesFixture.tokenizer,
    };
    const golden = join(runJob('golden', urls), 'golden');
    const together = folder.file('together');
    for (const [board, shard] of [
      ['rock-5b-1', '1/2'],
      ['orange-pi-5-1', '2/2'],
    ] as const) {
      const cwd = folder.file(`board${board}`);
      mkdirSync(cwd);
      copyFileSync(join(golden, 'golden.json'), join(cwd, 'golden.json'));
      const model = join(golden, 'model.npu');
      runJob('board', { 'matrix.board': board, 'matrix.shard': shard }, { MODEL: model, BOARD: board });
      for (const name of [
        'report.json',
        'report.xml',
        'report.html',
        'sweep.json',
        'sweep.xml',
        'sweep.html',
      ]) {
        expect({ name, there: existsSync(join(cwd, name)) }).toEqual({ name, there: true });
      }
      const reports = join(together, 'reports', `reports-${board}`);
      mkdirSync(reports, { recursive: true });
      writeFileSync(join(reports, 'report.json'), readFileSync(join(cwd, 'report.json')));
    }
    runJob('together', {});
    const merged = readReport(join(together, 'all.json'));
    expect(merged.verdict).toBe('pass');
    expect(merged.runs.map(({ device }) => device?.kind)).toEqual(['rknpu', 'rknpu']);
    expect(new Set(merged.runs.map(({ shard }) => shard?.index))).toEqual(new Set([1, 2]));
    expect(merged.prompts.map(({ number }) => number)).toEqual(Array.from({ length: 11 }, (_, i) => i + 1));
  });
});

/** Every `verify-npu ...` line of a shell block, without its comment. */
function commandsIn(path: string): string[] {
  const text = readFileSync(join(packages, '..', path), 'utf8');
  const blocks = Array.from(text.matchAll(/```sh\n([\s\S]*?)```/g), match => match[1]!);
  return blocks
    .flatMap(block => block.split('\n'))
    .flatMap(line => /(?:^|\s)verify-npu\s(.*?)(?:\s{2,}#.*|\s>.*)?$/.exec(line)?.[1] ?? []);
}

describe.each([
  'README.md',
  'docs/verification.md',
  'docs/board-ci.md',
  'docs/board-setup.md',
  'packages/verify/README.md',
])('%s', path => {
  test('names commands that verify-npu understands', async () => {
    const commands = commandsIn(path);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const words = execFileSync('bash', ['-c', `printf '%s\\0' ${command}`], {
        env: { ...process.env, MODEL: 'm.npu' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const argv = words.toString('utf8').split('\0').slice(0, -1);
      expect(await parseOptions(argv)).toBeDefined();
    }
  });
});
