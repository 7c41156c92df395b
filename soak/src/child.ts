import { type RunName, type RunResult, run } from './runs.js';

/** What a child is told on its command line, as JSON. */
export interface ChildTask {
  readonly run: RunName;
  readonly model: string;
  readonly amount: number;
  readonly samples: number;
  /** The plan of its simulated device: NPU_SIM of its process. */
  readonly plan?: string;
}

/** What a child tells its parent: that it is ready to begin, how far it is, then what came of it. */
export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'result'; readonly result: RunResult };

/** A process of its own for each run: its memory is its own, and it begins when its parent says so. */
async function main(task: ChildTask): Promise<void> {
  const tell = (message: ChildMessage): unknown => process.send!(message);
  const told = new Promise(resolve => process.once('message', resolve));
  tell({ kind: 'ready' });
  await told;
  const onSample = (done: number): unknown => tell({ kind: 'progress', done });
  const result = await run(task.run, task.model, task, onSample);
  tell({ kind: 'result', result });
}

await main(JSON.parse(process.argv[2]!) as ChildTask);
process.disconnect();
