import { headSize, kvDim, type ModelConfig } from '../model-config.js';

/** One tensor of one layer (or of the model), as llama2.c stores it: row-major, one row an output channel. */
export interface TensorShape {
  /** llama2.c's name, with the layer where there is one: `token_embedding`, `layers.3.wq`, `rms_final`. */
  readonly name: string;
  /** Output channels; 1 for norms. */
  readonly rows: number;
  /** Input channels. */
  readonly columns: number;
}

/** A part of a checkpoint that no tensor of the model uses. */
export interface UnusedRange {
  readonly unusedFloats: number;
}

type Shape = readonly [rows: number, columns: number];

function perLayer(config: ModelConfig, name: string, [rows, columns]: Shape): TensorShape[] {
  return Array.from({ length: config.layerCount }, (_, layer) => ({
    name: `layers.${layer}.${name}`,
    rows,
    columns,
  }));
}

function shapes(config: ModelConfig) {
  const { dim, hiddenDim, vocabSize } = config;
  const kv = kvDim(config);
  return {
    embedding: { name: 'token_embedding', rows: vocabSize, columns: dim },
    classifier: { name: 'wcls', rows: vocabSize, columns: dim },
    rmsFinal: { name: 'rms_final', rows: 1, columns: dim },
    rmsAtt: perLayer(config, 'rms_att', [1, dim]),
    rmsFfn: perLayer(config, 'rms_ffn', [1, dim]),
    attention: [
      perLayer(config, 'wq', [dim, dim]),
      perLayer(config, 'wk', [kv, dim]),
      perLayer(config, 'wv', [kv, dim]),
      perLayer(config, 'wo', [dim, dim]),
    ].flat(),
    feedForward: [
      perLayer(config, 'w1', [hiddenDim, dim]),
      perLayer(config, 'w2', [dim, hiddenDim]),
      perLayer(config, 'w3', [hiddenDim, dim]),
    ].flat(),
  };
}

/** What a version 0 checkpoint holds, in the order of the file (llama2.c's export.py, legacy_export). */
export function legacyTensorOrder(
  config: ModelConfig,
  sharedClassifier: boolean,
): (TensorShape | UnusedRange)[] {
  const all = shapes(config);
  return [
    all.embedding,
    ...all.rmsAtt,
    ...all.attention,
    ...all.rmsFfn,
    ...all.feedForward,
    all.rmsFinal,
    // Once the cosines and sines of RoPE; run.c skips them.
    { unusedFloats: config.seqLen * headSize(config) },
    ...(sharedClassifier ? [] : [all.classifier]),
  ];
}

/** What version 1 and 2 checkpoints hold, in the order of the file: norms first, always FP32. */
export function versionedTensorOrder(
  config: ModelConfig,
  sharedClassifier: boolean,
): { readonly norms: TensorShape[]; readonly matrices: TensorShape[] } {
  const all = shapes(config);
  return {
    norms: [...all.rmsAtt, ...all.rmsFfn, all.rmsFinal],
    matrices: [
      all.embedding,
      ...all.attention,
      ...all.feedForward,
      ...(sharedClassifier ? [] : [all.classifier]),
    ],
  };
}
