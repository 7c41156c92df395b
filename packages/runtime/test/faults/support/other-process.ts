import { openDevice } from '../../../src/device/index.js';
import { DeviceError } from '../../../src/errors.js';
import { loadModel, type NpuModel } from '../../../src/model/index.js';
import { inject } from '../../support/simulator.js';

/** What the other process is asked for; it answers when that is done. */
export type Request =
  | { readonly load: string }
  /** Its next job times out: the cores wait for a reset. */
  | { readonly hang: true }
  /** Passes through the model with resets in between. */
  | { readonly work: number };

/** The message of what it failed with, where it did. */
export type Answer = { readonly failed?: string };

let model: NpuModel;

async function answer(request: Request): Promise<void> {
  if ('load' in request) {
    model = await loadModel(await openDevice({ kind: 'sim' }), request.load);
    return;
  }
  await using session = model.createSession();
  if ('hang' in request) {
    inject(`${process.env['NPU_SIM']},submit@1=timeout`);
    await session.forward(1, 0);
    return;
  }
  for (let i = 0; i < request.work; i++) {
    await session.forward(1, 0);
    await model.device.reset();
  }
}

process.on('message', async (request: Request) => {
  try {
    await answer(request);
    process.send!({} satisfies Answer);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    process.send!({ failed: error.message } satisfies Answer);
  }
});
