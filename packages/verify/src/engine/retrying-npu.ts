import type { MatrixRun, NpuUnderTest, WatchedSession } from '../npu/npu-under-test.js';
import { isTimeOut } from '../npu/time-out.js';
import { type OnRetry, retryTimeouts } from '../verify/index.js';

/**
 * The device, but a job that times out is run once more after a reset, wherever it is: in a text, in a repetition, in a
 * diagnosis, in a sweep. A second time-out of the same work is an error.
 */
export function retryingNpu(npu: NpuUnderTest, onRetry: OnRetry): NpuUnderTest {
  return {
    get device() {
      return npu.device;
    },
    get matrices() {
      return npu.matrices;
    },
    createSession: () => retryTimeouts(npu, npu.createSession(), onRetry),
    watch: onMatrix => watchAndRetry(npu, onMatrix, onRetry),
    multiply: async (matrix, input, rows) => {
      try {
        return await npu.multiply(matrix, input, rows);
      } catch (error) {
        if (!(error instanceof Error) || !isTimeOut(error)) throw error;
        await npu.reset();
        onRetry({ what: matrix, error });
        return npu.multiply(matrix, input, rows);
      }
    },
    readWeights: matrix => npu.readWeights(matrix),
    createSampler: options => npu.createSampler(options),
    reset: () => npu.reset(),
    close: () => npu.close(),
  };
}

function watchAndRetry(
  npu: NpuUnderTest,
  onMatrix: (run: MatrixRun) => void,
  onRetry: OnRetry,
): WatchedSession {
  const session = npu.watch(onMatrix);
  return {
    ...retryTimeouts(npu, session, onRetry),
    get keyValues() {
      return session.keyValues;
    },
  };
}
