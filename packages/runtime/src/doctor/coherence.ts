import { advice } from './advice.js';
import { type Check, type Finding, ok, problem, warning } from './check.js';
import type { DoctorContext } from './context.js';
import { JOB_TIMEOUT_MS } from './cores.js';
import { Matmul } from './matmul.js';

/** What a side that does not see the other's writing saw: the old data, the new, or some of each. */
type Seen = 'old' | 'new' | 'mixed';

/**
 * The caches of a cacheable buffer, in both directions: without a sync the other side may see old data (the simulated
 * device always does; on silicon a cache line may have been written back or dropped by itself), with one it must see new.
 */
export const coherenceChecks: readonly Check[] = [
  {
    id: 'sync-to-device',
    title: 'sync to the device',
    section: 'NPU',
    needs: ['open', 'cores'],
    run: context => withMatmul(context, toDevice),
  },
  {
    id: 'sync-from-device',
    title: 'sync from the device',
    section: 'NPU',
    needs: ['open', 'cores'],
    run: context => withMatmul(context, fromDevice),
  },
];

/** Says what a sync did not do. @param factor what the features were written with */
type Broken = (what: string, factor: number) => Finding;

function withMatmul(context: DoctorContext, examine: (matmul: Matmul, broken: Broken) => Finding): Finding {
  const { driver } = context.opened;
  using matmul = new Matmul(driver, {
    rows: 4,
    columns: 512,
    outputs: 64,
    cores: context.healthyCores.slice(0, 1),
    featuresCache: 'cacheable',
    timeoutMs: JOB_TIMEOUT_MS,
  });
  const next = advice(context, 'the driver does not keep the caches right: boot another vendor kernel');
  return examine(matmul, (what, factor) =>
    problem(`${what}: ${matmul.firstWrong(factor) ?? 'the old ones'}`, next),
  );
}

/** Different factors, so that a result tells which features it was computed from. */
const [OLD, NEW] = [1, 2] as const;

function toDevice(matmul: Matmul, broken: Broken): Finding {
  const product = (factor: number): Seen => {
    matmul.clearResult();
    matmul.run();
    matmul.syncResult();
    return seen(matmul, factor);
  };
  matmul.writeFeatures(OLD);
  matmul.syncFeatures();
  if (product(OLD) !== 'old') return broken('the device saw other features than were synced', OLD);
  matmul.writeFeatures(NEW);
  const without = product(NEW);
  matmul.syncFeatures();
  if (product(NEW) !== 'new') return broken('the device did not see features that were synced', NEW);
  return finding(without);
}

function fromDevice(matmul: Matmul, broken: Broken): Finding {
  const run = (factor: number): void => {
    matmul.writeFeatures(factor);
    matmul.syncFeatures();
    matmul.run();
  };
  matmul.clearResult();
  run(OLD);
  matmul.syncResult();
  // Looking at it puts it into the cache.
  if (seen(matmul, OLD) !== 'old') return broken('the CPU saw another result than was synced', OLD);
  run(NEW);
  const without = seen(matmul, NEW);
  matmul.syncResult();
  if (seen(matmul, NEW) !== 'new') return broken('the CPU did not see a result that was synced', NEW);
  return finding(without);
}

/** @param factor what the features were written with last */
function seen(matmul: Matmul, factor: number): Seen {
  if (matmul.isProductOf(factor)) return factor === OLD ? 'old' : 'new';
  return matmul.isProductOf(OLD) ? 'old' : 'mixed';
}

function finding(without: Seen): Finding {
  const values = { shownWithoutSync: without, mendedBySync: true };
  if (without !== 'new') return ok('a missing one shows, and one mends it', values);
  return warning(
    'one is right; a missing one did not show',
    'nothing: caches may be written back by themselves, and the runtime makes every sync',
    values,
  );
}
