import { loadModel, type NpuModel, openDevice, type Session } from '@npu-llama/runtime';
import { MemoryMeter, type MemorySample } from './memory.js';
import { TEXTS, tell } from './texts.js';

/** What a run of one process comes to. */
export interface RunResult {
  /** Loads or tokens. */
  readonly done: number;
  /** Digests of the texts by their number, each as often as it was another one: with one of each, all agree. */
  readonly digests: readonly (readonly string[])[];
  readonly samples: readonly MemorySample[];
}

export const RUN_NAMES = ['single', 'loads', 'sessions', 'turns'] as const;
export type RunName = (typeof RUN_NAMES)[number];

/** Loads after which the device, too, is closed and opened again. */
const LOADS_A_DEVICE = 10;

class Progress {
  readonly meter = new MemoryMeter();
  readonly #digests = TEXTS.map(() => new Set<string>());
  #nextSample = 0;
  done = 0;

  /** @param samples of memory to take, evenly; none where it is 0 */
  constructor(
    private readonly amount: number,
    private readonly samples: number,
    private readonly onSample: (done: number) => void,
  ) {
    if (samples === 0) this.#nextSample = Number.POSITIVE_INFINITY;
  }

  get isDone(): boolean {
    return this.done >= this.amount;
  }

  /** Counts one more. */
  step(): void {
    this.done++;
    if (this.done < this.#nextSample) return;
    this.meter.sample(this.done);
    this.onSample(this.done);
    this.#nextSample = this.done + Math.max(1, Math.floor(this.amount / this.samples));
  }

  told(text: number, digest: string): void {
    this.#digests[text]!.add(digest);
  }

  get result(): RunResult {
    return { done: this.done, digests: this.#digests.map(set => [...set]), samples: this.meter.samples };
  }
}

const RUNS: Readonly<Record<RunName, (path: string, progress: Progress) => Promise<void>>> = {
  single,
  loads,
  sessions,
  turns,
};

/**
 * Runs one kind of load on a simulated device of this process.
 * @param amount loads, or tokens; of `single` none: it tells every text once
 * @param samples of memory, evenly over that
 * @param onSample told of what is done when the memory was looked at
 */
export async function run(
  name: RunName,
  path: string,
  { amount, samples }: { readonly amount: number; readonly samples: number },
  onSample: (done: number) => void,
): Promise<RunResult> {
  const progress = new Progress(amount, samples, onSample);
  await RUNS[name](path, progress);
  return progress.result;
}

/** Every text once, each on a device of its own: what the others are held against. */
async function single(path: string, progress: Progress): Promise<void> {
  for (const number of TEXTS.keys()) {
    await withModel(path, async model => {
      await using session = model.createSession();
      await tellAll(model, session, number, progress);
    });
  }
}

/** Opens and closes again and again, with a text a load: it shows that what was loaded is the model. */
async function loads(path: string, progress: Progress): Promise<void> {
  while (!progress.isDone) {
    await using device = await openDevice({ kind: 'sim' });
    for (let i = 0; i < LOADS_A_DEVICE && !progress.isDone; i++) {
      await using model = await loadModel(device, path);
      if (i === 0) {
        await using session = model.createSession();
        await tellAll(
          model,
          session,
          (progress.done / LOADS_A_DEVICE) % TEXTS.length,
          progress,
          'not counted',
        );
      }
      progress.step();
    }
  }
}

/** Texts one after the other, a session each. */
async function sessions(path: string, progress: Progress): Promise<void> {
  await withModel(path, async model => {
    for (let text = 0; !progress.isDone; text = (text + 1) % TEXTS.length) {
      await using session = model.createSession();
      await tellAll(model, session, text, progress);
    }
  });
}

/** All texts at the same time, a session each, a token each in turn. */
async function turns(path: string, progress: Progress): Promise<void> {
  await withModel(path, async model => {
    while (!progress.isDone) {
      const open = TEXTS.map((text, number) => {
        const session = model.createSession();
        return { number, session, steps: tell(session, model.tokenizer!, text) };
      });
      const telling = new Set(open);
      while (telling.size > 0) {
        for (const one of telling) {
          const { done, value } = await one.steps.next();
          if (done !== true) {
            progress.step();
            continue;
          }
          progress.told(one.number, value);
          telling.delete(one);
        }
      }
      for (const { session } of open) await session.close();
    }
  });
}

async function withModel(path: string, work: (model: NpuModel) => Promise<void>): Promise<void> {
  await using device = await openDevice({ kind: 'sim' });
  await using model = await loadModel(device, path);
  await work(model);
}

async function tellAll(
  model: NpuModel,
  session: Session,
  text: number,
  progress: Progress,
  tokens: 'counted' | 'not counted' = 'counted',
): Promise<void> {
  const steps = tell(session, model.tokenizer!, TEXTS[text]!);
  for (;;) {
    const { done, value } = await steps.next();
    if (done === true) return progress.told(text, value);
    if (tokens === 'counted') progress.step();
  }
}
