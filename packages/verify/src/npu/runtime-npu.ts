import {
  type Kernel,
  loadModel,
  type NpuDevice,
  type NpuModel,
  openDevice,
  Sampler,
  type Session,
} from '@npu-llama/runtime';
import { Pace } from '../reference/index.js';
import type { LogitsSession } from '../verify/index.js';
import type { NpuUnderTest, OpenNpu, WatchedSession } from './npu-under-test.js';

/** What only tests ask for. */
export interface RuntimeNpuOptions {
  /** Stands between the runtime's driver and the kernel. */
  readonly kernel?: (kernel: Kernel) => Kernel;
}

/**
 * The NPU as the runtime drives it: the one file of this package that knows the runtime.
 * @throws DeviceError when there is no device or it refuses the model, FileError for a damaged model, UsageError for
 *   impossible options, NumericError for a device that computes wrong from the start where nobody is told of that
 */
export const openRuntimeNpu: OpenNpu = openRuntimeNpuWith({});

/** As openRuntimeNpu, with something in between. */
export function openRuntimeNpuWith({ kernel }: RuntimeNpuOptions): OpenNpu {
  return async ({ model: path, device: kind, devicePath, cores, verifyChecksums, ...callbacks }) => {
    const { signal, onProgress, onFallback, onWrongProduct } = callbacks;
    const device = await openDevice({
      kind,
      ...(devicePath !== undefined && { path: devicePath }),
      ...(cores !== undefined && { cores }),
      ...(signal && { signal }),
      ...(onFallback && { onFallback }),
      ...(onWrongProduct && { onWrongProduct }),
      ...(kernel && { kernel }),
    });
    try {
      const model = await loadModel(device, path, {
        ...(verifyChecksums !== undefined && { verifyChecksums }),
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      });
      return npuUnderTest(device, model);
    } catch (error) {
      await device.close();
      throw error;
    }
  };
}

function npuUnderTest(device: NpuDevice, model: NpuModel): NpuUnderTest {
  // A call ends with its job: without a turn of the event loop now and then no signal would come through in hours of them.
  const pace = new Pace();
  return {
    device: {
      description: device.description,
      kind: device.kind,
      driver: device.driver.description,
      cores: device.cores,
      decodeRows: device.decodeRows,
      ffi: device.ffi,
    },
    matrices: model.matrices,
    createSession: () => logitsSession(model.createSession(), pace),
    watch: onMatrix => watchedSession(model.createSession({ onProduct: onMatrix }), pace),
    multiply: async (matrix, input, rows) => {
      if (pace.due) await pace.rest();
      return model.multiply(matrix, input, rows);
    },
    readWeights: matrix => model.readWeights(matrix),
    createSampler: options => {
      const sampler = new Sampler(options);
      return logits => sampler.sample(logits);
    },
    reset: () => device.reset(),
    // Closing the device frees the model's memory too, but only closing the model ends its sessions.
    close: async () => {
      try {
        await model.close();
      } finally {
        await device.close();
      }
    },
  };
}

function logitsSession(session: Session, pace: Pace): LogitsSession {
  return {
    // One token takes the path of generating, several that of a prompt.
    forward: async (tokens, firstPosition) => {
      if (pace.due) await pace.rest();
      return tokens.length === 1
        ? session.forward(tokens[0]!, firstPosition)
        : session.forwardBatch(tokens, firstPosition, { logits: 'all' });
    },
    close: () => session.close(),
  };
}

function watchedSession(session: Session, pace: Pace): WatchedSession {
  return {
    ...logitsSession(session, pace),
    get keyValues() {
      return session.keyValues;
    },
  };
}
