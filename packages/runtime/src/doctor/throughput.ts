import { CORE_COUNT } from '../hardware/index.js';
import { advice } from './advice.js';
import { type Check, ok, problem, warning } from './check.js';
import { JOB_TIMEOUT_MS } from './cores.js';
import { timeMatmul } from './measure.js';
import { milliseconds, rowsOf } from './units.js';

/**
 * The published 22 tokens a second of stories110M read 219 MB of weights each: a board that cannot even read at that rate
 * has something wrong with it.
 */
const SLOW_GB_PER_SECOND = 4.8;

/** A prompt's batch: 8 of the 11 feature banks. */
const BATCH_ROWS = 64;

/** All cores at once: what decoding (bound by reading the weights) and a prompt (bound by arithmetic) can reach. */
export const throughputCheck: Check = {
  id: 'throughput',
  title: 'throughput',
  section: 'NPU',
  needs: ['open', 'cores'],
  run: context => {
    const { opened, healthyCores, decodeRows, measuredMs, simulated } = context;
    const cores = jointCores(healthyCores);
    const times = [decodeRows, BATCH_ROWS].map(rows =>
      timeMatmul(opened.driver, { rows, cores, timeoutMs: JOB_TIMEOUT_MS }, measuredMs),
    );
    const where = cores.length === 1 ? `core ${cores[0]}` : `${cores.length} cores`;
    const [decode, batch] = times;
    const next = advice(
      context,
      'reboot; if it stays: power supply or memory clock, which cores that work together strain more',
    );
    if (typeof decode !== 'object') return problem(`wrong on ${where}: ${decode}`, next);
    if (typeof batch !== 'object') return problem(`wrong on ${where}: ${batch}`, next);
    const board = simulated ? '' : ' (boards share 17 to 30 with the CPU, reported)';
    const detail =
      `${where}: ${rowsOf(decode.rows)} ${milliseconds(decode.ms)}, ${decode.gbPerSecond.toFixed(1)} GB/s of weights${board}; ` +
      `${BATCH_ROWS} rows ${milliseconds(batch.ms)}, ${batch.gflops.toFixed(0)} GFLOP/s`;
    const values = { cores, decode, batch };
    if (simulated) return ok(`${detail}; the host's speed, not a board's`, values);
    if (decode.gbPerSecond >= SLOW_GB_PER_SECOND || cores.length < CORE_COUNT) return ok(detail, values);
    return warning(
      detail,
      'look at the clock and its governor below, at the memory clock (/sys/class/devfreq/dmc), and for other users of memory',
      values,
    );
  },
};

/** Cores that the driver starts a job on together: all three, the first two, or one. */
export function jointCores(healthy: readonly number[]): number[] {
  if (healthy.length === CORE_COUNT) return [...healthy];
  return healthy[0] === 0 && healthy[1] === 1 ? [0, 1] : healthy.slice(0, 1);
}
