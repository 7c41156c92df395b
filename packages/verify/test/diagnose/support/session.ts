import {
  type Audit,
  auditRuns,
  checkpointWeights,
  type ModelWeights,
  Recorder,
} from '../../../src/diagnose/index.js';
import { randomWeights } from '../../support/models.js';
import { FakeDevice, type FakeDeviceOptions } from './fake-device.js';

/** Three groups and more in every matrix, padding rows and columns, heads in groups. */
export const CONFIG = {
  dim: 48,
  hiddenDim: 72,
  layerCount: 2,
  headCount: 6,
  kvHeadCount: 3,
  vocabSize: 107,
  seqLen: 12,
};
export const TOKENS = [1, 17, 40, 5, 99, 63, 8, 20];

export async function smallModel(): Promise<ModelWeights> {
  return checkpointWeights(await randomWeights({ config: CONFIG, seed: 3 }), { saturated: false });
}

export interface AuditedSession {
  readonly audit: Audit;
  readonly recorder: Recorder;
  readonly device: FakeDevice;
}

/** Runs the tokens as verify-npu does, the first four in a batch and the others one by one, and audits some positions. */
export async function auditSession(
  weights: ModelWeights,
  options: FakeDeviceOptions = {},
  damage: (device: FakeDevice) => void = () => {},
  audited = [0, 2, 6, 7],
): Promise<AuditedSession> {
  const device = new FakeDevice(weights, options);
  damage(device);
  const { config } = weights;
  const recorder = new Recorder({ config, matrices: weights.matrices, audited: p => audited.includes(p) });
  const session = device.watch(recorder.onMatrix);
  const logits: Float32Array[] = [];
  const batch = await session.forward(TOKENS.slice(0, 4), 0);
  for (let i = 0; i < 4; i++) logits.push(batch.slice(i * config.vocabSize, (i + 1) * config.vocabSize));
  for (let p = 4; p < TOKENS.length; p++) logits.push(await session.forward([TOKENS[p]!], p));
  const audit = await auditRuns({
    ...{ recorder, weights, tokens: TOKENS, placed: device.matrices, keyValues: session.keyValues },
    logits: position => logits[position],
  });
  return { audit, recorder, device };
}

/** `place: what; what`, in order. */
export function summary(findings: Audit['findings']): string[] {
  return findings.map(({ finding }) => `${finding.place}: ${finding.common.join('; ')}`);
}
