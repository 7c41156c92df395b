import { UsageError } from '@npu-llama/format';
import { DeviceError } from '../errors.js';
import { VERSION } from '../version.js';
import { CHANGE_PLAN } from './advice.js';
import {
  type Check,
  type CheckResult,
  type CheckStatus,
  type Finding,
  findingOf,
  isGone,
  skipped,
} from './check.js';
import { CHECKS } from './checks.js';
import { DoctorContext, type DoctorOptions } from './context.js';

/** Version of the report's shape (docs/doctor.md). */
export const REPORT_VERSION = 1;

export interface DoctorReport {
  readonly version: typeof REPORT_VERSION;
  /** This package's. */
  readonly runtime: string;
  readonly device: 'rknpu' | 'sim';
  /** Whether what was examined is the simulated device, under npu-sim too. */
  readonly simulated: boolean;
  /** The worst found. */
  readonly status: 'ok' | 'warning' | 'problem';
  readonly counts: Readonly<Record<CheckStatus, number>>;
  readonly checks: readonly CheckResult[];
}

export interface RunDoctorOptions extends DoctorOptions {
  /** Told of each check as soon as it is made. */
  readonly onResult?: (result: CheckResult) => void;
}

/**
 * Makes every check; what fails is a finding and hides no other. The device is closed in the end, and nothing left on it.
 * @throws UsageError for impossible options; the signal's reason when that aborts
 */
export async function runDoctor(options: RunDoctorOptions): Promise<DoctorReport> {
  const context = new DoctorContext(options);
  const checks: CheckResult[] = [];
  const add = ({ id, section, title }: Pick<Check, 'id' | 'section' | 'title'>, finding: Finding): void => {
    const result = { id, section, title, ...finding };
    checks.push(result);
    options.onResult?.(result);
  };
  try {
    for (const check of CHECKS) {
      await context.turn();
      add(check, await findingFor(check, context, checks));
    }
  } catch (error) {
    closeAfterFailure(context);
    throw error;
  }
  const finding = closingProblem(context);
  if (finding !== undefined) add({ id: 'close', section: 'NPU', title: 'closing' }, finding);
  return reportOf(context, checks);
}

async function findingFor(
  check: Check,
  context: DoctorContext,
  before: readonly CheckResult[],
): Promise<Finding> {
  const missing = before.find(
    ({ id, status }) => check.needs?.includes(id) === true && (status === 'problem' || status === 'skipped'),
  );
  if (missing !== undefined) {
    // One that was skipped itself has the reason.
    return skipped(missing.status === 'skipped' ? missing.detail : `since "${missing.title}" has a problem`);
  }
  if (context.gone && check.needs?.includes('open') === true) return skipped('since the device is gone');
  try {
    return await check.run(context);
  } catch (error) {
    const finding = findingOf(error);
    if (finding === undefined || error instanceof UsageError) throw error;
    if (isGone(error)) context.gone = true;
    return withAdvice(context, finding);
  }
}

/**
 * An error knows no simulation, and a failed call often nothing to do about it. What fails before there is a node is this
 * machine's: an adapter, or the compiler that the simulated device is made with.
 */
function withAdvice(context: DoctorContext, finding: Finding): Finding {
  const { next } = finding;
  if (context.node === undefined) return finding;
  if (context.simulated)
    return next?.includes('NPU_SIM') === true ? finding : { ...finding, next: CHANGE_PLAN };
  return next === undefined
    ? { ...finding, next: 'look at what the driver says: dmesg | grep -i rknpu' }
    : finding;
}

/** Memory that cannot be given back is a finding, too. */
function closingProblem(context: DoctorContext): Finding | undefined {
  try {
    context[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return withAdvice(context, findingOf(error)!);
  }
}

/** What failed before is the failure to tell. */
function closeAfterFailure(context: DoctorContext): void {
  try {
    context[Symbol.dispose]();
  } catch {
    // the kernel closes the file all the same
  }
}

function reportOf(context: DoctorContext, checks: readonly CheckResult[]): DoctorReport {
  const counts = { ok: 0, warning: 0, problem: 0, skipped: 0 };
  for (const { status } of checks) counts[status]++;
  return {
    version: REPORT_VERSION,
    runtime: VERSION,
    device: context.kind,
    simulated: context.simulated,
    status: counts.problem > 0 ? 'problem' : counts.warning > 0 ? 'warning' : 'ok',
    counts,
    checks,
  };
}
