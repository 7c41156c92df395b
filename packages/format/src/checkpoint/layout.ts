import type { ModelConfig } from '../model-config.js';
import { legacyTensorOrder, type TensorShape, versionedTensorOrder } from './tensors.js';

/** First word of version 1 and 2 checkpoints: "ak42". */
export const CHECKPOINT_MAGIC = 0x616b3432;
/** Seven int32. */
export const LEGACY_HEADER_BYTES = 28;
export const VERSIONED_HEADER_BYTES = 256;

export type CheckpointVersion = 0 | 1 | 2;

/** Where a tensor's values stand in the file. */
export type TensorStorage =
  | { readonly kind: 'f32'; readonly offset: number }
  /** value[i] = int8[i] * scale[floor(i / groupSize)], i running over the whole matrix, row-major. */
  | {
      readonly kind: 'q8';
      readonly offset: number;
      readonly scalesOffset: number;
      readonly groupSize: number;
    };

export interface CheckpointTensor extends TensorShape {
  readonly storage: TensorStorage;
}

/** What a checkpoint declares itself to be. */
export interface CheckpointHeader {
  readonly version: CheckpointVersion;
  readonly config: ModelConfig;
  /** The classifier is the token embedding, stored once. */
  readonly sharedClassifier: boolean;
  /** Values a scale, version 2 only. */
  readonly groupSize?: number;
}

/** A checkpoint's tensors by name, in the order of the file, and the size that the file must have. */
export interface CheckpointLayout extends CheckpointHeader {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly fileBytes: number;
}

/** Places every tensor of a checkpoint; the reader and the writer both go by it. */
export function checkpointLayout(header: CheckpointHeader): CheckpointLayout {
  const { config, version, sharedClassifier } = header;
  const tensors = new Map<string, CheckpointTensor>();
  let offset = version === 0 ? LEGACY_HEADER_BYTES : VERSIONED_HEADER_BYTES;

  const placeFloats = (shape: TensorShape): void => {
    tensors.set(shape.name, { ...shape, storage: { kind: 'f32', offset } });
    offset += shape.rows * shape.columns * 4;
  };
  const placeQuantized = (shape: TensorShape, groupSize: number): void => {
    const values = shape.rows * shape.columns;
    const scalesOffset = offset + values;
    tensors.set(shape.name, { ...shape, storage: { kind: 'q8', offset, scalesOffset, groupSize } });
    offset = scalesOffset + (values / groupSize) * 4;
  };

  if (version === 0) {
    for (const item of legacyTensorOrder(config, sharedClassifier)) {
      if ('unusedFloats' in item) offset += item.unusedFloats * 4;
      else placeFloats(item);
    }
  } else {
    const { norms, matrices } = versionedTensorOrder(config, sharedClassifier);
    norms.forEach(placeFloats);
    for (const matrix of matrices) {
      if (header.groupSize === undefined) placeFloats(matrix);
      else placeQuantized(matrix, header.groupSize);
    }
  }
  return { ...header, tensors, fileBytes: offset };
}
