import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

/** Bytes of the shared memory to hash; answered with `done`, in order. */
export interface HashPiece {
  readonly offset: number;
  readonly length: number;
}

/** `digest` is answered with the digest in hexadecimal. */
export type HashRequest = HashPiece | 'digest';

const bytes = new Uint8Array(workerData as SharedArrayBuffer);
const hash = createHash('sha256');
const port = parentPort!;
port.on('message', (request: HashRequest) => {
  if (request === 'digest') {
    port.postMessage(hash.digest('hex'));
    return;
  }
  hash.update(bytes.subarray(request.offset, request.offset + request.length));
  port.postMessage('done');
});
