import { firstWrongOutput } from '../device/known-product.js';
import { CHECK_TIMEOUT_MS, type DecodeRows, probeProducts } from '../device/probe-rows.js';
import type { NpuDriver } from '../driver/driver.js';
import { KernelError } from '../driver/kernel.js';
import { SUBMIT } from '../driver/vendor/uapi.js';
import { DeviceError } from '../errors.js';
import { CORE_COUNT } from '../hardware/index.js';
import { advice } from './advice.js';
import { type Check, type Finding, findingOf, firstOf, isGone, ok, problem, warning } from './check.js';
import type { DoctorContext } from './context.js';
import { type MatmulTime, timeMatmul } from './measure.js';
import { milliseconds, rowsOf } from './units.js';

/** Far more than any of these jobs takes; a core that hangs costs no more than this. */
export const JOB_TIMEOUT_MS = CHECK_TIMEOUT_MS;

/** One check a core: known products on it alone, so that one that hangs or computes wrong is named. */
export const coreChecks: readonly Check[] = Array.from({ length: CORE_COUNT }, (_, core) => {
  return {
    id: `core-${core}`,
    title: `core ${core}`,
    section: 'NPU' as const,
    needs: ['open'],
    run: context => examineCore(context, core),
  };
});

/** Sums them up, for the checks that need one that works. */
export const anyCoreCheck: Check = {
  id: 'cores',
  title: 'cores',
  section: 'NPU',
  needs: ['open'],
  run: context => {
    const { healthyCores, decodeRows } = context;
    const values = { healthyCores, decodeRows };
    if (healthyCores.length === 0) {
      return problem('none works', advice(context, 'do what the lines of the cores say'), values);
    }
    const detail = `${healthyCores.length} of ${CORE_COUNT} work; a token is decoded with ${rowsOf(decodeRows)}`;
    if (healthyCores.length === CORE_COUNT) return ok(detail, values);
    const usable = healthyCores.findIndex((core, i) => core !== i);
    const count = usable === -1 ? healthyCores.length : usable;
    const next = count === 0 ? 'run-npu needs core 0' : `until they all do: run-npu --cores ${count}`;
    return warning(detail, next, values);
  },
};

/** What became of one row count on one core. */
interface Mode {
  readonly rows: DecodeRows;
  /** What is the matter, in words; undefined: every output was right. */
  readonly failure?: string;
  /** As in FailedJob. */
  readonly refusal?: string;
  /** What failed first, where the second try, after a reset, did not. */
  readonly beforeReset?: string;
  readonly time?: MatmulTime;
  /** Why there is no time. */
  readonly untimed?: string;
}

async function examineCore(context: DoctorContext, core: number): Promise<Finding> {
  const one = await examineMode(context, core, 1);
  await context.turn();
  const four = await examineMode(context, core, 4);
  if (four.failure === undefined) {
    context.healthyCores.push(core);
    if (one.failure !== undefined) context.decodeRows = 4;
  }
  return judge(context, core, one, four);
}

function judge(context: DoctorContext, core: number, one: Mode, four: Mode): Finding {
  const modes = [one, four];
  const values = { core, modes: modes.map(valuesOf) };
  const detail =
    one.failure !== undefined && one.failure === four.failure
      ? `with 1 and with 4 rows: ${one.failure}`
      : modes.map(describe).join('; ');
  if (four.failure !== undefined) {
    return problem(detail, advice(context, remedyFor(four, context.healthyCores.length > 0)), values);
  }
  if (one.failure !== undefined) {
    return warning(
      detail,
      'nothing: run-npu finds this out and decodes with 4 rows, a little slower',
      values,
    );
  }
  const before = one.beforeReset ?? four.beforeReset;
  if (before !== undefined) {
    const next = advice(context, 'if it comes again: power supply, clock, or another program on the NPU');
    return warning(`${detail}; but only after a reset, before it: ${before}`, next, values);
  }
  const untimed = one.untimed ?? four.untimed;
  if (untimed !== undefined) return warning(`${detail}; not timed: ${untimed}`, 'see DMA memory', values);
  return ok(detail, values);
}

/** @param othersWork whether the driver runs the same jobs on a core before this one */
function remedyFor({ refusal }: Mode, othersWork: boolean): string {
  if (refusal === undefined) return 'reboot; if it stays: power supply, clock, or the chip';
  return refusal === 'EINVAL' && othersWork
    ? 'the driver seems to have fewer cores: dmesg | grep -i rknpu; it may be the kernel or its device tree'
    : 'look at what the driver says: dmesg | grep -i rknpu';
}

/** Tries twice, with a reset between: a job of a program that has ended may have left the core hanging. */
async function examineMode(context: DoctorContext, core: number, rows: DecodeRows): Promise<Mode> {
  const first = failedJob(context.opened.driver, () => tryMode(context, core, rows));
  if (!('failed' in first)) return first;
  await context.turn();
  const again = failedJob(context.opened.driver, () => tryMode(context, core, rows));
  if (!('failed' in again)) return { ...again, beforeReset: first.failed };
  const { failed, refusal } = again;
  return { rows, failure: failed, ...(refusal !== undefined && { refusal }) };
}

/** Outputs with varied operands and chained tasks, then the time of one that is large. */
function tryMode({ opened: { driver }, measuredMs }: DoctorContext, core: number, rows: DecodeRows): Mode {
  const products = probeProducts(rows, 1).map(product => {
    return { ...product, firstCore: core };
  });
  const wrong = firstWrongOutput(driver, products);
  if (wrong !== undefined) return { rows, failure: `wrong, ${wrong}` };
  try {
    const time = timeMatmul(driver, { rows, cores: [core], timeoutMs: JOB_TIMEOUT_MS }, measuredMs);
    return typeof time === 'string' ? { rows, failure: `wrong, ${time}` } : { rows, time };
  } catch (thrown) {
    const error = firstOf(thrown);
    // Memory that is refused says nothing of a core; it has a check of its own.
    if (!(error instanceof DeviceError) || jobErrorOf(error) !== undefined || isGone(error)) throw error;
    return { rows, untimed: findingOf(error)?.detail ?? '' };
  }
}

interface FailedJob {
  /** In words. */
  readonly failed: string;
  /** The errno, where the driver did not take the job at all: EINVAL for a core that it does not have. */
  readonly refusal?: string;
}

/** @returns what `work` does; or why a job of it failed, with the device reset. @throws every other error */
function failedJob(driver: NpuDriver, work: () => Mode): Mode | FailedJob {
  try {
    return work();
  } catch (thrown) {
    const error = firstOf(thrown);
    const cause = jobErrorOf(error);
    if (cause === undefined || isGone(error)) throw error;
    driver.reset();
    if ((error as DeviceError).timedOut) return { failed: `a job does not end in ${JOB_TIMEOUT_MS} ms` };
    return { failed: `the driver refuses the job: ${cause.reason}`, refusal: cause.errno };
  }
}

function jobErrorOf(error: unknown): KernelError | undefined {
  if (!(error instanceof DeviceError) || !(error.cause instanceof KernelError)) return undefined;
  return error.cause.call === SUBMIT.name ? error.cause : undefined;
}

function describe({ rows, failure, time }: Mode): string {
  if (failure !== undefined) return `${rowsOf(rows)}: ${failure}`;
  if (time === undefined) return `${rowsOf(rows)} right`;
  return `${rowsOf(rows)} right, ${milliseconds(time.ms)} (${time.gbPerSecond.toFixed(1)} GB/s)`;
}

function valuesOf({ rows, failure, time }: Mode): object {
  return { rows, right: failure === undefined, ...(failure !== undefined && { failure }), ...time };
}
