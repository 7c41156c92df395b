import { type Check, ok, warning } from './check.js';
import { JOB_TIMEOUT_MS } from './cores.js';
import { Matmul } from './matmul.js';
import { timeRuns } from './measure.js';

/** On mainline kernels 20 to 100 us are reported; of the vendor's nothing is published. */
const SLOW_MS = 1;

/** The smallest job there is: what a submit costs without work. */
export const submitCheck: Check = {
  id: 'submit',
  title: 'empty submit',
  section: 'NPU',
  needs: ['open', 'cores'],
  run: ({ opened: { driver }, healthyCores, measuredMs, simulated }) => {
    const cores = healthyCores.slice(0, 1);
    using matmul = new Matmul(driver, {
      rows: 4,
      columns: 32,
      outputs: 16,
      cores,
      timeoutMs: JOB_TIMEOUT_MS,
    });
    matmul.writeFeatures(1);
    matmul.clearResult();
    const { best, median } = timeRuns(() => matmul.run(), measuredMs);
    const detail = `${(best * 1000).toFixed(0)} us at best, ${(median * 1000).toFixed(0)} us in the middle (reported: 20 to 100)`;
    const values = { bestMicroseconds: best * 1000, medianMicroseconds: median * 1000 };
    if (simulated || median < SLOW_MS) return ok(detail, values);
    const next =
      'a token takes dozens of submits: set the CPU governor to performance, close other users of the NPU';
    return warning(detail, next, values);
  },
};
