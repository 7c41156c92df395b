import { expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import { ffiName } from '../../src/ffi/index.js';
import { callMicroseconds } from '../../src/testing.js';

describeDevice('the cost of a call', () => {
  test('is measured without a device', () => {
    const microseconds = callMicroseconds(ffiName(), 10);
    expect(microseconds).toBeGreaterThan(0);
    expect(Number.isFinite(microseconds)).toBe(true);
  });
});
