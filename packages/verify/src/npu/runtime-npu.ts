import { loadModel, openDevice, type Session } from '@npu-llama/runtime';
import type { LogitsSession } from '../verify/index.js';
import type { OpenNpu } from './npu-under-test.js';

/**
 * The NPU as the runtime drives it: the one file of this package that knows the runtime, and nothing of it but how to get
 * logits.
 * @throws DeviceError when there is no device or it refuses the model, FileError for a damaged model
 */
export const openRuntimeNpu: OpenNpu = async ({ model: path, device: kind, devicePath, ...options }) => {
  const { signal, onProgress, onFallback } = options;
  const device = await openDevice({
    kind,
    ...(devicePath !== undefined && { path: devicePath }),
    ...(onFallback && { onFallback }),
  });
  try {
    const model = await loadModel(device, path, {
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    return {
      device: {
        description: device.description,
        kind: device.kind,
        driver: device.driver.description,
        cores: device.cores,
        decodeRows: device.decodeRows,
        ffi: device.ffi,
      },
      matrices: [],
      watch: () => notYet('watch'),
      multiply: () => notYet('multiply'),
      readWeights: () => notYet('readWeights'),
      reset: () => device.reset(),
      createSession: () => logitsSession(model.createSession()),
      // Closing the device frees the model's memory too, but only closing the model ends its sessions.
      close: async () => {
        try {
          await model.close();
        } finally {
          await device.close();
        }
      },
    };
  } catch (error) {
    await device.close();
    throw error;
  }
};

function notYet(what: string): never {
  throw new Error(`${what} is not there yet`);
}

function logitsSession(session: Session): LogitsSession {
  return {
    // One token takes the path of generating, several that of a prompt.
    forward: (tokens, firstPosition) =>
      tokens.length === 1
        ? session.forward(tokens[0]!, firstPosition)
        : session.forwardBatch(tokens, firstPosition, { logits: 'all' }),
    close: () => session.close(),
  };
}
