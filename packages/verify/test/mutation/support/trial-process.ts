import { TemporaryFolder } from '../../support/models.js';
import { faults } from '../faults/index.js';
import type { Fault, ModelPaths } from './fault.js';
import { Models } from './models.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { runWith } from './run.js';
import type { Answer, Trial } from './trial.js';

/*
 * Runs trials for a test, one a message, in a process of its own: jest's environment makes every look at a global dear, which
 * takes verification three times as long.
 */

const folder = new TemporaryFolder();
const models = new Models(folder);
const NOTHING = { name: '', put: '', expected: { status: 0, by: [] } } as const;

process.on('message', async (trial: Trial) => {
  const answer = await outcomeWith(trial).then(
    (outcome): Answer => ({ outcome }),
    (error: Error): Answer => ({ broken: error.stack ?? error.message }),
  );
  process.send!(answer);
});
process.on('disconnect', () => folder[Symbol.dispose]());

async function outcomeWith({ fault: name, options: more, ...others }: Trial): Promise<Outcome> {
  const fault: Fault = faults.find(other => other.name === name) ?? { ...NOTHING, ...others };
  const good = await models.get(fault.model ?? 'tales');
  const isDamaged = fault.file !== undefined || fault.cut !== undefined;
  const paths = isDamaged ? models.damaged(good, fault) : good;
  const against = fault.against === undefined ? paths : await models.get(fault.against);
  const checksums = fault.file === undefined || fault.checksums ? [] : ['--no-checksums'];
  const options = [...checksums, ...(fault.options ?? []), ...more];
  return outcomeOf(await runWith(fault, paths, [...commandOf(fault, paths, against), ...options]));
}

function commandOf({ command }: Fault, paths: ModelPaths, { checkpoint, golden }: ModelPaths): string[] {
  return command === 'check'
    ? ['check', paths.model, '--golden', golden]
    : [paths.model, '--reference', checkpoint, ...paths.options];
}
