import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Audit,
  auditRuns,
  checkpointWeights,
  type ModelWeights,
  Recorder,
} from '../../src/diagnose/index.js';
import { randomWeights } from '../support/models.js';
import { FakeDevice, type FakeDeviceOptions } from './support/fake-device.js';

/** Three groups and more in every matrix, padding rows and columns, heads in groups. */
const CONFIG = {
  dim: 48,
  hiddenDim: 72,
  layerCount: 2,
  headCount: 6,
  kvHeadCount: 3,
  vocabSize: 107,
  seqLen: 12,
};
const TOKENS = [1, 17, 40, 5, 99, 63, 8, 20];
let weights: ModelWeights;

beforeAll(async () => {
  weights = checkpointWeights(await randomWeights({ config: CONFIG, seed: 3 }), { saturated: false });
});

/** Runs the tokens as verify-npu does: the first in a batch, the others one by one; audits some positions. */
async function audit(
  options: FakeDeviceOptions,
  audited = [0, 2, 6, 7],
  damage?: (device: FakeDevice) => void,
): Promise<Audit> {
  const device = new FakeDevice(weights, options);
  damage?.(device);
  const recorder = new Recorder({
    config: CONFIG,
    matrices: weights.matrices,
    audited: p => audited.includes(p),
  });
  const session = device.watch(recorder.onMatrix);
  const logits: Float32Array[] = [];
  const batch = await session.forward(TOKENS.slice(0, 4), 0);
  for (let i = 0; i < 4; i++) logits.push(batch.slice(i * CONFIG.vocabSize, (i + 1) * CONFIG.vocabSize));
  for (let p = 4; p < TOKENS.length; p++) logits.push(await session.forward([TOKENS[p]!], p));
  return await auditRuns({
    ...{ recorder, weights, tokens: TOKENS, placed: device.matrices, keyValues: session.keyValues },
    logits: position => logits[position],
  });
}

/** `place: what, what`, in order. */
function summary({ findings }: Audit): string[] {
  return findings.map(({ finding }) => `${finding.place}: ${finding.common.join('; ')}`);
}

describe('an audit of a session', () => {
  test('finds nothing where nothing is wrong', async () => {
    const { findings, positions, audited, tally } = await audit({});
    expect(findings).toEqual([]);
    expect(positions.size).toBe(0);
    expect(audited).toEqual([0, 2, 6, 7]);
    const reports = tally.reports();
    expect(reports.map(({ name }) => name)).toEqual([
      ...[0, 1].flatMap(l => ['wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2'].map(kind => `layers.${l}.${kind}`)),
      'classifier',
    ]);
    for (const report of reports) expect(report).toMatchObject({ verdict: 'pass', rows: 4, wrong: 0 });
    expect(Math.max(...reports.map(({ worst }) => Number(worst)))).toBeLessThan(0.1);
  });

  test('names the base that RoPE was applied with', async () => {
    expect(summary(await audit({ steps: { ropeBase: 5e5 } }))).toEqual(['x']);
  });
});
