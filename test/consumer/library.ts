// Type-checked only, by a project that knows nothing of this one's settings.
import { type ConversionReport, convertCheckpoint } from '@npu-llama/converter';
import { type ModelConfig, NpuFile, ToolkitError } from '@npu-llama/format';
import { runCommand } from '@npu-llama/format/cli';
import { tileWeights } from '@npu-llama/format/tiles';
import {
  type DeviceKind,
  type GeneratedToken,
  generate,
  loadModel,
  openDevice,
  Sampler,
  type Tokenizer,
} from '@npu-llama/runtime';
import { decodeSimulatorStats, type SimulatorStats } from '@npu-llama/simulator';
import * as verify from '@npu-llama/verify';

export async function tell(path: string): Promise<string> {
  await using device = await openDevice({ kind: 'sim', onFallback: (reason: string) => reason });
  await using model = await loadModel(device, path);
  await using session = model.createSession();
  const logits: Float32Array = await session.forward(1, 0);
  const kind: DeviceKind = device.kind;
  const config: ModelConfig = model.config;
  const tokenizer: Tokenizer | undefined = model.tokenizer;
  if (tokenizer === undefined) throw new Error(`${kind} ${config.dim} ${logits.length}`);
  const tokens: GeneratedToken[] = [];
  for await (const token of generate(session, { tokenizer, sampler: new Sampler({ seed: 1n }) }))
    tokens.push(token);
  return tokens.map(token => token.text).join('');
}

export async function convert(source: string): Promise<ConversionReport | ToolkitError> {
  try {
    return await convertCheckpoint({ source, target: 'x.npu' });
  } catch (error) {
    if (error instanceof ToolkitError) return error;
    throw error;
  }
}

export const stats: SimulatorStats = decodeSimulatorStats(new Uint8Array(1024));
export const others = [NpuFile, runCommand, tileWeights, verify];

// @ts-expect-error: types are there, and they refuse what is wrong
await openDevice({ kind: 'gpu' });
