import type { AbortCheck } from '@npu-llama/format';
import type { NpuDriver } from '../driver/driver.js';
import { KernelError } from '../driver/kernel.js';
import { DeviceError, NumericError } from '../errors.js';
import { firstWrongOutput, type KnownProduct } from './known-product.js';

/** Rows of the jobs that decode one token: 1 where the device computes that right, else 4 of which 3 are zero. */
export type DecodeRows = 1 | 4;

/**
 * Far more than any of these jobs takes. A device that hangs is tried four times, and each time neither a signal nor anything
 * else gets its turn for so long.
 */
export const CHECK_TIMEOUT_MS = 2000;

/** What is multiplied to find out: a chain of two tasks a core, three tiles wide; and a prompt batch of three banks. */
export function probeProducts(rows: DecodeRows, cores: number): KnownProduct[] {
  return [
    { rows, columns: 96, tasksPerCore: 2, cores, timeoutMs: CHECK_TIMEOUT_MS },
    { rows: 64, columns: 768, tasksPerCore: 1, cores, timeoutMs: CHECK_TIMEOUT_MS },
  ];
}

/**
 * Finds out on the device whether jobs of one row come out right (sources disagree: docs/architecture.md), with products
 * that are known beforehand, on every core.
 * @param candidates row counts to try, in this order
 * @param signal looked at after each job that fails
 * @throws NumericError when the last is wrong as well (or a batch is), DeviceError when its jobs fail, too, and what the signal
 *   throws
 */
export async function probeRows(
  driver: NpuDriver,
  cores: number,
  candidates: readonly DecodeRows[] = [1, 4],
  signal?: AbortCheck,
): Promise<DecodeRows> {
  const problems: string[] = [];
  for (const rows of candidates) {
    const isLast = rows === candidates[candidates.length - 1];
    try {
      const check = (): string | undefined => firstWrongOutput(driver, probeProducts(rows, cores));
      const wrong = await retriedAfterReset(driver, check, signal);
      if (wrong === undefined) return rows;
      problems.push(wrong);
    } catch (error) {
      // A device that cannot do one row may as well hang as compute wrong.
      if (isLast || !isFailedJob(error)) throw error;
      problems.push(error.message);
      await signalsSeen();
      signal?.throwIfAborted();
    }
  }
  const tried = candidates.map(rows => (rows === 1 ? '1 row' : `${rows} rows`)).join(' and with ');
  throw new NumericError(`the NPU computes a known product wrong, with ${tried}`, {
    got: problems.join('; '),
    next: 'npu-doctor tells which core is wrong; if a reboot does not mend it, the NPU, its clock or its power supply is at fault',
  });
}

/** A job that timed out in another process, since ended, leaves cores that run nothing until they are reset. */
async function retriedAfterReset<T>(
  driver: NpuDriver,
  work: () => T,
  signal: AbortCheck | undefined,
): Promise<T> {
  try {
    return work();
  } catch (error) {
    if (!isFailedJob(error)) throw error;
    resetAfter(driver, error);
    await signalsSeen();
    signal?.throwIfAborted();
    return work();
  }
}

/** Lets handlers of signals run that came while a job hung: the event loop looks for them between two immediates. */
export async function signalsSeen(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(resolve => setImmediate(resolve));
}

function resetAfter(driver: NpuDriver, failure: DeviceError): void {
  try {
    driver.reset();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    throw new DeviceError(`${failure.message} (and then: ${error.message})`, { cause: failure });
  }
}

function isFailedJob(error: unknown): error is DeviceError {
  if (!(error instanceof DeviceError) || !(error.cause instanceof KernelError)) return false;
  const { call, errno } = error.cause;
  return call === 'RKNPU_SUBMIT' && (errno === 'ETIMEDOUT' || errno === 'EINVAL');
}
