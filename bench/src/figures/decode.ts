import { availableParallelism } from 'node:os';
import type { Bench, DecodeWindow } from '../bench.js';
import { runChild } from '../child.js';
import { BenchDevice } from '../device/bench-device.js';
import { atLeast, figure } from '../figure.js';
import { llama2cContestant } from '../llama2c.js';
import { BUILD_NAMES, type Program } from '../native.js';
import type { Figure, PartResult } from '../results.js';
import { type Contestant, inTurns } from '../turns.js';

/** Larger than any cache; but for a quick look, which says nothing about speed. */
const STREAMED_MEBIBYTES = { full: 512, quick: 8 };

/** Decoding on the device, beside C on the CPU and beside reading the weights once a token. */
export async function decode(bench: Bench): Promise<PartResult> {
  await using bed = await BenchDevice.open(bench);
  const weightBytes = bed.model.matrices.reduce((sum, matrix) => sum + matrix.buffer.bytes, 0);
  const figures: Figure[] = [];
  for (const window of bench.windows) figures.push(await decodeAt(bench, bed, window, weightBytes));
  return { figures: [...figures, ...missingPrograms(bench)] };
}

async function decodeAt(
  bench: Bench,
  bed: BenchDevice,
  window: DecodeWindow,
  weightBytes: number,
): Promise<Figure> {
  const { runs, signal, programs, files } = bench;
  const { firstPosition, count, position } = window;
  const run = { checkpoint: files.checkpoint, steps: count, signal };
  const inC = (program: Program): Contestant =>
    llama2cContestant(program, firstPosition === 0 ? run : { ...run, firstPosition });
  const threads = availableParallelism();
  // Compiles what will be measured.
  await bed.decodeRate(firstPosition, Math.min(count, 16));
  const samples = await inTurns(
    runs,
    {
      device: () => bed.decodeRate(firstPosition, count),
      plain: inC(programs.plain),
      fast: inC(programs.fast),
      openmp: inC(programs.openmp),
      // It begins at position 0, and cannot do otherwise.
      external:
        firstPosition === 0
          ? llama2cContestant(bench.llama2c, {
              ...run,
              ...(files.tokenizer && { tokenizer: files.tokenizer }),
            })
          : undefined,
      oneThread: streaming(bench, 1, weightBytes),
      allThreads: streaming(bench, threads, weightBytes),
    },
    turn => bench.progress(`decode at position ${position}: ${turn + 1} of ${runs}`),
  );
  const simulated = bed.device.kind === 'sim';
  return figure({
    id: `decode.${firstPosition === 0 ? 'early' : 'late'}`,
    name: `decode around position ${position}`,
    unit: 'tok/s',
    samples: samples.device!,
    beside: [
      { name: BUILD_NAMES.plain, samples: samples.plain },
      { name: BUILD_NAMES.fast, samples: samples.fast },
      {
        name: `${BUILD_NAMES.openmp}, ${threads} threads`,
        samples: samples.openmp,
        ...(simulated && { goal: atLeast(1.4) }),
      },
      { name: 'the given llama2.c', samples: samples.external },
      { name: 'weights read once, 1 thread', samples: samples.oneThread },
      { name: `weights read once, ${threads} threads`, samples: samples.allThreads },
    ],
  });
}

/** Tokens a second if a token took nothing but reading its weights. */
function streaming({ programs, signal, quick }: Bench, threads: number, weightBytes: number): Contestant {
  const { bandwidth } = programs;
  if ('missing' in bandwidth) return undefined;
  return async () => {
    const args = [String(STREAMED_MEBIBYTES[quick ? 'quick' : 'full']), String(threads)];
    const { stdout } = await runChild(bandwidth.path, args, { signal });
    return Number(stdout) / weightBytes;
  };
}

function missingPrograms({ programs, files, llama2c }: Bench): Figure[] {
  const lines: Figure[] = [];
  const wanted = { ...BUILD_NAMES, bandwidth: 'reading memory' } as const;
  for (const [id, name] of Object.entries(wanted) as [keyof typeof wanted, string][]) {
    const program = programs[id];
    const notMeasured =
      'missing' in program
        ? program.missing
        : files.checkpoint === undefined && id !== 'bandwidth'
          ? 'no checkpoint (--checkpoint)'
          : undefined;
    if (notMeasured !== undefined) lines.push({ id: `decode.${id}`, name, notMeasured });
  }
  if ('missing' in llama2c) {
    lines.push({ id: 'decode.llama2c', name: "llama2.c's own program", notMeasured: llama2c.missing });
  }
  return lines;
}
