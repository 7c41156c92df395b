import { DeviceError, FFI_NAMES, type FfiName } from '@npu-llama/runtime';
import { callMicroseconds } from '@npu-llama/runtime/testing';
import type { Bench } from '../bench.js';
import { BenchDevice } from '../device/bench-device.js';
import { SimulatorCounters } from '../device/simulator-counters.js';
import { atMost, figure } from '../figure.js';
import { median } from '../median.js';
import type { Figure, PartResult } from '../results.js';

const CALLS = { full: 20_000, quick: 500 };
const TOKENS = 8;

/** Calls to the driver: how many a token makes, of how many bytes, and what one costs through each FFI. */
export async function driver(bench: Bench): Promise<PartResult> {
  const { figures, callsPerToken, tokenMicroseconds } = await calls(bench);
  for (const ffi of FFI_NAMES) figures.push(callCost(bench, ffi, callsPerToken, tokenMicroseconds));
  return { figures };
}

async function calls(bench: Bench) {
  await using bed = await BenchDevice.open(bench);
  const { model } = bed;
  const needed = 4 * model.config.layerCount + 1;
  await bed.decode(0, TOKENS);
  const before = model.counters;
  const ms = await bed.decode(0, TOKENS);
  const after = model.counters;
  const submits = (after.submits - before.submits) / TOKENS;
  const syncs = (after.syncs - before.syncs) / TOKENS;
  const figures: Figure[] = [
    figure({
      id: 'driver.submits',
      name: 'submits a token',
      unit: 'calls',
      samples: [submits],
      beside: [{ name: '4 a layer and the classifier', samples: [needed], goal: atMost(1) }],
    }),
    figure({
      id: 'driver.syncs',
      name: 'syncs a token',
      unit: 'calls',
      samples: [syncs],
      beside: [{ name: 'submits', samples: [submits], goal: atMost(2) }],
    }),
    await syncedBytes(bed),
  ];
  return { figures, callsPerToken: submits + syncs, tokenMicroseconds: (ms / TOKENS) * 1000 };
}

/** Bytes of cache maintenance, beside the results' own. */
async function syncedBytes(bed: BenchDevice): Promise<Figure> {
  const identity = { id: 'driver.synced', name: 'bytes synced a token' };
  if (bed.device.kind !== 'sim') return { ...identity, notMeasured: 'counted by the simulated device only' };
  const stats = await new SimulatorCounters().during(() => bed.decode(0, TOKENS));
  const rows = bed.device.decodeRows;
  const results = bed.model.matrices.reduce((sum, { paddedRows }) => sum + paddedRows * 4 * rows, 0);
  const synced = Number(stats.syncBytesToDevice + stats.syncBytesFromDevice) / TOKENS;
  return figure({
    ...identity,
    unit: 'bytes',
    samples: [synced],
    beside: [{ name: 'the results that are read', samples: [results], goal: atMost(1) }],
  });
}

/** What calling C costs before the driver does anything, through each FFI. */
function callCost(bench: Bench, ffi: FfiName, callsPerToken: number, tokenMicroseconds: number): Figure {
  const identity = { id: `driver.${ffi}`, name: `a call through ${ffi}` };
  bench.progress(identity.name);
  const count = CALLS[bench.quick ? 'quick' : 'full'];
  const samples: number[] = [];
  try {
    // Compiles what will be measured.
    callMicroseconds(ffi, count);
    for (let run = 0; run < bench.runs; run++) samples.push(callMicroseconds(ffi, count));
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { ...identity, notMeasured: `${ffi} is not installed` };
  }
  const share = (median(samples) * callsPerToken) / tokenMicroseconds;
  return figure({
    ...identity,
    unit: 'us',
    samples,
    ...(ffi === 'koffi' && { goal: atMost(1) }),
    note: `${callsPerToken} a token are ${(share * 100).toFixed(share < 0.01 ? 2 : 1)} % of its time`,
  });
}
