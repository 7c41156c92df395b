import { rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preset } from '@npu-llama/fixtures';
import { checkpointLayout, encodeCheckpointHeader } from '@npu-llama/format';
import type { Bench } from '../bench.js';
import { childScript, commandScript, runChild } from '../child.js';
import { atMost, figure } from '../figure.js';
import type { Figure, PartResult } from '../results.js';
import { inTurns } from '../turns.js';

const SHARED_MEMORY = '/dev/shm';
const NAME = 'convert-weights';

/** Converting a checkpoint, beside dd reading as much and writing as much. */
export async function convert(bench: Bench): Promise<PartResult> {
  const { checkpoint } = bench.files;
  if (checkpoint === undefined) {
    return { figures: [{ id: 'convert', name: NAME, notMeasured: 'no checkpoint (--checkpoint)' }] };
  }
  const peaks: number[] = [];
  const onDisk = await besideDd(bench, checkpoint, bench.folder, { fsync: true, peaks });
  const memory = figure({
    id: 'convert.memory',
    name: `${NAME}, peak resident memory`,
    unit: 'MB',
    samples: peaks,
    goal: atMost(200),
  });
  const inMemory = await inSharedMemory(bench, checkpoint);
  return { figures: [onDisk, inMemory, memory, ...(bench.big ? await big(bench) : [])] };
}

async function inSharedMemory(bench: Bench, checkpoint: string): Promise<Figure> {
  const identity = { id: 'convert.tmpfs', name: `${NAME} to memory` };
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    const needed = statSync(checkpoint).size;
    if (bavail * bsize < needed) return { ...identity, notMeasured: `no room in ${SHARED_MEMORY}` };
  } catch {
    return { ...identity, notMeasured: `no ${SHARED_MEMORY}` };
  }
  return besideDd(bench, checkpoint, SHARED_MEMORY, { fsync: false, peaks: [] });
}

/**
 * dd reads the checkpoint, then writes a result made before: zeros in its place would be less work for many a disk. Source and
 * target through the page cache.
 */
async function besideDd(
  bench: Bench,
  checkpoint: string,
  folder: string,
  { fsync, peaks }: { readonly fsync: boolean; readonly peaks: number[] },
): Promise<Figure> {
  const { signal, runs } = bench;
  const where = fsync ? 'on disk, fsync on both sides' : 'target in memory';
  const target = join(folder, `npu-llama-bench-${process.pid}.npu`);
  const dd = async (...args: string[]): Promise<number> =>
    (await runChild('dd', [...args, 'bs=1M', 'status=none'], { signal })).milliseconds;
  const removed = async (measure: () => Promise<number>): Promise<number> => {
    try {
      return await measure();
    } finally {
      rmSync(target, { force: true });
    }
  };
  const samples = await inTurns(
    runs,
    {
      convert: () =>
        removed(async () => {
          const run = await convertMeasured(checkpoint, target, signal);
          peaks.push(run.peakBytes / 1e6);
          return run.milliseconds;
        }),
      dd: () =>
        removed(async () => {
          const read = await dd(`if=${checkpoint}`, 'of=/dev/null');
          const flush = fsync ? ['conv=fsync'] : [];
          return read + (await dd(`if=${bench.files.npu}`, `of=${target}`, ...flush));
        }),
    },
    turn => bench.progress(`${NAME}, ${where}: ${turn + 1} of ${runs}`),
  );
  return figure({
    id: fsync ? 'convert.disk' : 'convert.tmpfs',
    name: `${NAME}, ${where}`,
    unit: 'ms',
    samples: samples.convert!,
    beside: [{ name: 'dd reading + dd writing', samples: samples.dd, goal: atMost(2.5) }],
  });
}

async function convertMeasured(
  checkpoint: string,
  target: string,
  signal: AbortSignal,
): Promise<{ readonly milliseconds: number; readonly peakBytes: number }> {
  const watch = ['--import', childScript('report-peak-memory')];
  const command = [commandScript('converter', NAME), checkpoint, '-o', target, '-q', '-f'];
  const { milliseconds, aside } = await runChild(process.execPath, [...watch, ...command], { signal });
  return { milliseconds, peakBytes: Number(aside) };
}

/** A checkpoint of llama2 7B's shape that is one hole: reading it takes no disk. Its result takes 13.5 GB. */
async function big(bench: Bench): Promise<Figure[]> {
  const identity = { id: 'convert.big', name: `${NAME}, 7B (27 GB, sparse)` };
  const source = join(bench.folder, 'big.bin');
  const target = join(bench.folder, 'big.npu');
  const header = { version: 0, config: preset('llama2_7B'), sharedClassifier: true } as const;
  const bytes = checkpointLayout(header).fileBytes;
  const { bavail, bsize } = statfsSync(bench.folder);
  if (bavail * bsize < bytes * 0.55)
    return [{ ...identity, notMeasured: `no 15 GB free in ${bench.folder}` }];
  bench.progress(identity.name);
  try {
    writeFileSync(source, encodeCheckpointHeader(header));
    truncateSync(source, bytes);
    const { milliseconds, peakBytes } = await convertMeasured(source, target, bench.signal);
    return [
      figure({ ...identity, unit: 'ms', samples: [milliseconds] }),
      figure({
        id: 'convert.big.memory',
        name: `${identity.name}, peak resident memory`,
        unit: 'MB',
        samples: [peakBytes / 1e6],
        goal: atMost(200),
      }),
    ];
  } finally {
    rmSync(source, { force: true });
    rmSync(target, { force: true });
  }
}
