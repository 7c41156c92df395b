import type { NpuUnderTest } from '../npu/npu-under-test.js';
import { isTimeOut } from '../npu/time-out.js';
import type { LogitsSession } from './logits-source.js';

/** Told of a job that timed out and is tried again. */
export type OnRetry = (retry: {
  /** What is run again: `position 12`, `layers.3.w2`. */
  readonly what: string;
  readonly error: Error;
}) => void;

/**
 * A session that resets the device after a job that timed out and runs the same tokens once more, as told to onRetry: one
 * lost job must not cost a board its night, but must be seen. A second time-out of the same tokens is an error.
 */
export function retryTimeouts(
  npu: Pick<NpuUnderTest, 'reset'>,
  session: LogitsSession,
  onRetry: OnRetry,
): LogitsSession {
  return {
    close: () => session.close(),
    forward: async (tokens, firstPosition) => {
      try {
        return await session.forward(tokens, firstPosition);
      } catch (error) {
        if (!(error instanceof Error) || !isTimeOut(error)) throw error;
        await npu.reset();
        onRetry({ what: `position ${firstPosition}`, error });
        return session.forward(tokens, firstPosition);
      }
    },
  };
}
