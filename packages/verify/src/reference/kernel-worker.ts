import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { WasmMemory } from '@npu-llama/format/wasm';
import { JobBoard } from './job-board.js';
import { computeUnit } from './kernel-job.js';
import { type Kernels, kernelsIn } from './kernels.js';

/** What a worker thread of threads.ts is given. */
export interface WorkerTask {
  readonly board: SharedArrayBuffer;
  /** From 1 on: 0 is the main thread. */
  readonly thread: number;
}

/** Memories reach a worker as messages, in order: the first has number 0. */
export type WorkerMessage = WasmMemory<SharedArrayBuffer>;

const { board: shared, thread } = workerData as WorkerTask;
const board = new JobBoard(shared);
const memories: Kernels[] = [];

for (;;) {
  const { wakes } = board;
  board.enter();
  try {
    for (let unit = board.claim(); unit !== undefined; unit = board.claim()) {
      const { job } = board;
      computeUnit(kernelsOf(board.memory), job, unit, thread);
    }
  } catch (error) {
    board.fail();
    throw error;
  } finally {
    board.leave();
  }
  board.sleep(wakes);
}

function kernelsOf(memory: number): Kernels {
  while (memories[memory] === undefined) {
    const received = receiveMessageOnPort(parentPort!) as { message: WorkerMessage } | undefined;
    if (received === undefined) throw new Error(`memory ${memory} was never sent`);
    memories.push(kernelsIn(received.message));
  }
  return memories[memory];
}
