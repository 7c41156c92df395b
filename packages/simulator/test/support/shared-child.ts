import { closeSync, existsSync, readdirSync, readlinkSync } from 'node:fs';
import { CallError, configure, Device, type DmaBuffer, lastRefusal } from './device.js';
import { Job } from './jobs.js';
import { makeProblem } from './matrices.js';

/** What a process of `processes.ts` is asked to do. */
export type Request =
  | { readonly plan: string }
  | { readonly open: true }
  | { readonly close: true }
  | { readonly create: number; readonly domain?: number }
  | { readonly destroyFirst: true }
  | { readonly submit: number }
  | { readonly submitWithFeaturesAt: bigint }
  | { readonly reset: true }
  /** Closes every descriptor on a file of that name, as programs do that end with strange ones. */
  | { readonly closeDescriptorsOf: string };

export interface Answer {
  /** The errno, or "none". */
  readonly errno: string;
  /** Of the last call that was refused. */
  readonly refusal: string;
  readonly dma?: bigint;
  /** A job's largest error, in units of what is allowed. */
  readonly worst?: number;
}

let device: Device;
const buffers: { handle: number; objAddr: bigint }[] = [];

function submit(mask: number, change: (job: Job) => void = () => {}): Pick<Answer, 'worst'> {
  const cores = [0, 1, 2].filter(core => mask & (1 << core));
  const job = new Job(
    device,
    cores.map(() => [makeProblem('fp32', 4, 64, 32)]),
    mask,
  );
  try {
    change(job);
    job.submit();
    return { worst: job.worst() };
  } finally {
    job.destroy();
  }
}

function closeDescriptorsOf(path: string): void {
  for (const fd of readdirSync('/proc/self/fd')) {
    const link = `/proc/self/fd/${fd}`;
    if (existsSync(link) && readlinkSync(link) === path) closeSync(Number(fd));
  }
}

function answer(request: Request): Partial<Answer> {
  if ('plan' in request) configure(request.plan);
  else if ('open' in request) device = new Device();
  else if ('close' in request) device.close();
  else if ('create' in request) {
    const made: DmaBuffer | { handle: number; objAddr: bigint; dma: bigint } = device.create(
      request.create,
      0,
      request.domain ?? 0,
    );
    buffers.push(made);
    return { dma: made.dma };
  } else if ('destroyFirst' in request) {
    const { handle, objAddr } = buffers.shift()!;
    device.destroy(handle, objAddr);
  } else if ('submit' in request) return submit(request.submit);
  else if ('submitWithFeaturesAt' in request) {
    return submit(1, job => {
      job.word(0, 0x1070).value = Number(request.submitWithFeaturesAt);
    });
  } else if ('closeDescriptorsOf' in request) closeDescriptorsOf(request.closeDescriptorsOf);
  else device.action(6);
  return {};
}

process.on('message', (request: Request) => {
  let given: Partial<Answer> = {};
  let errno = 'none';
  try {
    given = answer(request);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    errno = error.errno;
  }
  process.send!({ ...given, errno, refusal: lastRefusal() });
});
