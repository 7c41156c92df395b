import { expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { DeviceError } from '../../src/errors.js';
import { simulate, simulatorStats } from '../support/simulator.js';
import { cleanLife } from './support/clean-life.js';
import { errorsOf, live } from './support/life.js';
import { randomPlan } from './support/random-plan.js';
import { CALL_KINDS } from './support/recording-kernel.js';

/* What one fault cannot show: a failure of what is done about a failure. */

/** ffi-napi makes a call many times slower. */
const LIVES = process.env['NPU_FFI'] === 'ffi-napi' ? 50 : 200;
const SEED = 1;

describeDevice('when two to four calls of the driver layer fail in a life', () => {
  const made = cleanLife();

  test(`each error is the device's, what can be freed is, and a text that comes out is right: ${LIVES} lives`, async () => {
    const counts = CALL_KINDS.map(kind => [kind, made.clean.calls.filter(call => call.kind === kind).length]);
    const plans = randomPlan(SEED, Object.fromEntries(counts));
    const met = { several: 0, failed: 0, mended: 0, gone: 0 };
    for (let i = 0; i < LIVES; i++) {
      const plan = plans.next().value;
      simulate(plan);
      const life = await live(made.model);
      const { text, left, closingErrors } = life;
      const errors = errorsOf(life);
      const strange = errors.filter(error => !(error instanceof DeviceError));
      expect({ plan, strange }).toEqual({ plan, strange: [] });
      // The model and the device are closed twice each: what was told once is not told again.
      expect({ plan, closings: closingErrors.length <= 2 }).toEqual({ plan, closings: true });
      expect({ plan, text: text ?? made.clean.text }).toEqual({ plan, text: made.clean.text });
      expect({ plan, left }).toMatchObject({ plan, left: { openFiles: 0n, liveBuffers: 0n } });
      if (!plan.includes('munmap'))
        expect({ plan, left }).toMatchObject({ plan, left: { liveMappings: 0n } });
      if (simulatorStats().faultsInjected > 1n) met.several++;
      if (errors.length > 0) met.failed++;
      if (life.failure !== undefined && text !== undefined) met.mended++;
      if (errors.some(error => (error as DeviceError).next?.startsWith('the device is gone'))) met.gone++;
    }
    // The plans are not such that most of them never come to be, or end a life at its start.
    expect(met.several).toBeGreaterThan(LIVES / 4);
    expect(met.failed).toBeGreaterThan(LIVES / 4);
    expect(met.mended).toBeGreaterThan(LIVES / 40);
    expect(met.gone).toBeGreaterThan(LIVES / 40);
  });
});
