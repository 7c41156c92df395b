import type { Bench } from '../bench.js';
import { BenchDevice } from '../device/bench-device.js';
import { countsPerToken, SimulatorCounters } from '../device/simulator-counters.js';
import type { PartResult, TokenCounts } from '../results.js';

const TOKENS = 4;

/** What a token asks of the device on one, two and three cores: the board model's input. */
export async function board(bench: Bench): Promise<PartResult> {
  const id = 'board';
  if (bench.device.kind !== 'sim') {
    const notMeasured = 'counted by the simulated device only';
    return { figures: [{ id, name: 'counts for the model of a board', notMeasured }] };
  }
  const counts: TokenCounts[] = [];
  for (const cores of [1, 2, 3]) {
    bench.progress(`what a token asks of the device, cores: ${cores}`);
    await using bed = await BenchDevice.open(bench, { cores });
    const stats = await new SimulatorCounters().during(() => bed.decode(0, TOKENS));
    counts.push(countsPerToken(stats, TOKENS, cores));
  }
  return { figures: [], counts };
}
