export { openInWorker } from './open-in-worker.js';
export { WorkerDevice } from './worker-device.js';
