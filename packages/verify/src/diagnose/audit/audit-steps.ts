import {
  headSize,
  kvDim,
  type MatrixPart,
  type ModelConfig,
  type TiledMatrix,
  UsageError,
} from '@npu-llama/format';
import type { SignedFinding } from '../finding.js';
import type { ModelWeights } from '../model-weights.js';
import type { RecordedRow, Recorder, TracedKeyValue } from '../recorder.js';
import type { AuditOptions } from './audit.js';
import { checkAttention } from './check-attention.js';
import { checkGate } from './check-gate.js';
import { checkNorm } from './check-norm.js';
import { exactRope } from './exact-steps.js';
import { cachedSlots, type LayerSlots } from './key-value-slots.js';
import { slotsFinding } from './slots-finding.js';
import { type StepAt, stepFinding } from './step-findings.js';
import { ResidualStream } from './stream.js';

/** What the audit follows of one position from step to step. */
export interface PositionState {
  readonly stream: ResidualStream;
  /** Of the layer's products so far, by part: wq, w1, ... */
  readonly outputs: Map<string, Float32Array>;
}

export interface StepsAudit extends Pick<AuditOptions, 'recorder' | 'weights' | 'keyValues'> {
  /** The matrix whose input the steps make. */
  readonly matrix: TiledMatrix;
  readonly states: ReadonlyMap<number, PositionState>;
  readonly recorded: readonly RecordedRow[];
  readonly tolerance: number;
}

/** Every position's residual stream at its embedding. */
export function startPositions(
  positions: readonly number[],
  tokens: readonly number[],
  weights: ModelWeights,
): Map<number, PositionState> {
  return new Map(
    positions.map(position => {
      const token = tokens[position];
      if (token === undefined) throw new UsageError(`no token for the audited position ${position}`);
      const { vocabSize } = weights.config;
      const others = [tokens[position - 1], tokens[position + 1], token - 1, token + 1].filter(
        other => other !== undefined && other !== token && other >= 0 && other < vocabSize,
      ) as number[];
      const guesses = [...new Set(others)].map(other => ({
        text: `the embedding of token ${other} instead of ${token}`,
        x: weights.embedding(other),
      }));
      const stream = new ResidualStream(weights.embedding(token), guesses);
      return [position, { stream, outputs: new Map() }];
    }),
  );
}

/** Checks the steps that lead to one matrix's input, and takes its products over for those that follow. */
export function auditSteps(audit: StepsAudit): (SignedFinding | undefined)[] {
  const { matrix } = audit;
  const [, layer, kind] = matrix.name.split('.');
  const findings = stepsBefore(audit, Number(layer ?? 0), kind ?? matrix.name);
  for (const { position, output } of audit.recorded) {
    const { stream, outputs } = audit.states.get(position)!;
    for (const part of matrix.parts) outputs.set(partName(part), partOutput(part, output));
    if (kind === 'wo' || kind === 'w2') stream.add(outputs.get(kind)!, matrix.name);
  }
  return findings;
}

function stepsBefore(audit: StepsAudit, layer: number, kind: string): (SignedFinding | undefined)[] {
  switch (kind) {
    case 'wqkv':
      return [normSteps(audit, `layers.${layer} attention norm`, 'rms_att', layer)];
    case 'wo':
      return attentionSteps(audit, layer);
    case 'w13':
      return [normSteps(audit, `layers.${layer} feed-forward norm`, 'rms_ffn', layer)];
    case 'w2':
      return [gateSteps(audit, `layers.${layer} SwiGLU`)];
    default:
      return [normSteps(audit, 'final norm', 'rms_final', 0)];
  }
}

type NormKind = 'rms_att' | 'rms_ffn' | 'rms_final';

function normSteps(
  audit: StepsAudit,
  place: string,
  kind: NormKind,
  layer: number,
): SignedFinding | undefined {
  const { weights, tolerance } = audit;
  const weight = normWeights(weights, kind, layer);
  const others = otherNorms(weights, kind, layer);
  return eachPosition(audit, place, ({ stream }, { input }) =>
    checkNorm({ stream, weight, others, got: input, tolerance }),
  );
}

function normWeights(weights: ModelWeights, kind: NormKind, layer: number): Float32Array {
  return kind === 'rms_final' ? weights.rmsFinal() : weights.norm(kind, layer);
}

/** The other norm of the layer, and the same of the layers beside it. */
function otherNorms(weights: ModelWeights, kind: NormKind, layer: number) {
  const last = weights.config.layerCount - 1;
  const of = (other: 'rms_att' | 'rms_ffn', of: number) => ({
    text: `layers.${of}.${other}`,
    weight: weights.norm(other, of),
  });
  if (kind === 'rms_final') return [of('rms_att', last), of('rms_ffn', last)];
  const beside = [layer - 1, layer + 1].filter(other => other >= 0 && other <= last);
  return [of(kind === 'rms_att' ? 'rms_ffn' : 'rms_att', layer), ...beside.map(other => of(kind, other))];
}

function gateSteps(audit: StepsAudit, place: string): SignedFinding | undefined {
  return eachPosition(audit, place, ({ outputs }, { input }) =>
    checkGate(outputs.get('w1')!, outputs.get('w3')!, input, audit.tolerance),
  );
}

function attentionSteps(audit: StepsAudit, layer: number): (SignedFinding | undefined)[] {
  const { recorder, weights, keyValues, recorded, tolerance } = audit;
  const { config } = weights;
  const { headCount, kvHeadCount } = config;
  const last = recorded.reduce((max, { position }) => Math.max(max, position), -1);
  const traced = tracedKeyValues(recorder, layer, last + 1);
  const slots: LayerSlots = {
    layer,
    traced,
    ...cachedOf(keyValues, layer, config, traced),
    headSize: headSize(config),
    tolerance,
  };
  const turnedKeys = traced.map(({ key }, t) => exactRope(key, t, slots.headSize));
  const cached = keyValues !== undefined;
  return [
    cached
      ? slotsFinding(
          `layers.${layer} keys and values`,
          slots,
          recorded.map(({ position }) => position),
        )
      : undefined,
    eachPosition(audit, `layers.${layer} attention`, ({ outputs }, { position, input }) =>
      checkAttention({
        ...{ position, slots, cached, turnedKeys, headCount, kvHeadCount, tolerance },
        query: outputs.get('wq')!,
        got: input,
      }),
    ),
  ];
}

function cachedOf(
  keyValues: AuditOptions['keyValues'],
  layer: number,
  config: ModelConfig,
  traced: readonly TracedKeyValue[],
): Pick<LayerSlots, 'cachedKeys' | 'cachedValues'> {
  if (keyValues === undefined) return { cachedKeys: [], cachedValues: [] };
  const shape = { kvDim: kvDim(config), seqLen: config.seqLen, count: traced.length };
  return cachedSlots(keyValues, layer, shape);
}

function tracedKeyValues(recorder: Recorder, layer: number, count: number): TracedKeyValue[] {
  return Array.from({ length: count }, (_, position) => {
    const known = recorder.keyValue(layer, position);
    if (known !== undefined) return known;
    throw new UsageError(`position ${position} was not recorded`, {
      next: 'watch the session from position 0 on',
    });
  });
}

function eachPosition(
  { states, recorded, tolerance }: StepsAudit,
  place: string,
  check: (state: PositionState, row: RecordedRow) => StepAt['outcome'],
): SignedFinding | undefined {
  const checked = recorded.map(row => ({
    position: row.position,
    outcome: check(states.get(row.position)!, row),
    got: row.input,
  }));
  return stepFinding(place, checked, tolerance);
}

function partName({ source }: MatrixPart): string {
  return source.split('.').pop()!;
}

function partOutput({ firstRow, rows }: MatrixPart, output: Float32Array): Float32Array {
  return output.subarray(firstRow, firstRow + rows);
}
