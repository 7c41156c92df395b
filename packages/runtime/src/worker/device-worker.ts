import { parentPort } from 'node:worker_threads';
import { DeviceServer } from './device-server.js';
import type { Request } from './protocol.js';

/** What DeviceThread runs in its thread. */
const port = parentPort!;
const server = new DeviceServer((answer, transfer) => port.postMessage(answer, transfer));
port.on('message', (request: Request) => void server.handle(request));
