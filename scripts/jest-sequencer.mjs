import TestSequencer from '@jest/test-sequencer';

/**
 * Files of tests that take longest, the longest first: what begins last must not be what all processors but one wait for. Jest
 * itself knows that from the run before only, and on a clean checkout it takes long files of text for long tests.
 */
const LONGEST = [
  'fuzz/dist/test/interrupts.test.js',
  'mutation/mutation.test.js',
  'packaging.test.js',
  'cli/verify-npu.device.test.js',
  'docs/board-ci.test.js',
  'doctor/doctor.device.test.js',
  'report-html.chromium.test.js',
  'false-alarm/no-false-alarm.test.js',
  'model/load-model.device.test.js',
  'device/open-device.device.test.js',
  'cli/run-npu.test.js',
  'fuzz/dist/test/fuzz.test.js',
  'bench/dist/test/quick.test.js',
];

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const index = LONGEST.findIndex(end => path.endsWith(end));
      return index === -1 ? LONGEST.length : index;
    };
    return super.sort([...tests]).sort((a, b) => rank(a) - rank(b));
  }
}
