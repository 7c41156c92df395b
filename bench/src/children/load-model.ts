/* `load-model <OpenDeviceOptions as JSON> <model.npu>`: prints what opening the device and loading the model took, in ms. */
import { loadModel, openDevice } from '@npu-llama/runtime';

const [options = '{}', model = ''] = process.argv.slice(2);
const start = performance.now();
const device = await openDevice(JSON.parse(options));
try {
  const opened = performance.now();
  await loadModel(device, model);
  const loaded = performance.now();
  process.stdout.write(JSON.stringify({ openMs: opened - start, loadMs: loaded - opened }));
} finally {
  await device.close();
}
