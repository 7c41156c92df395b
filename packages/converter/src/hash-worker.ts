import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/** What the worker is given: the descriptor is open in the main thread, and shared by all threads of a process. */
export interface HashTask {
  readonly fd: number;
  readonly bytes: number;
}

const PIECE_BYTES = 1 << 20;

const { fd, bytes } = workerData as HashTask;
const hash = createHash('sha256');
const piece = new Uint8Array(PIECE_BYTES);
for (let position = 0; position < bytes; ) {
  const got = readSync(fd, piece, 0, Math.min(PIECE_BYTES, bytes - position), position);
  if (got === 0) throw new Error(`ended at byte ${position} while being read`);
  hash.update(piece.subarray(0, got));
  position += got;
}
parentPort!.postMessage(hash.digest('hex'));
