import {
  type CheckpointLayout,
  type CheckpointTensor,
  EMBEDDING_TENSOR,
  tiledMatrices,
} from '@npu-llama/format';

/** What becomes of a tensor of the checkpoint. */
export interface Destination {
  readonly source: CheckpointTensor;
  /** The tensor of the .npu file that it is appended to. */
  readonly target: string;
  /** tiles: the NPU's layout, f16 · halves: row-major f16 · floats: as it is. */
  readonly form: 'tiles' | 'halves' | 'floats';
}

const LAYER_NORM = /^layers\.\d+\.(rms_att|rms_ffn)$/;

/** Where every tensor of a checkpoint goes, in the order of the checkpoint. */
export function destinations(layout: CheckpointLayout): Destination[] {
  const matrixOf = new Map(
    tiledMatrices(layout.config, layout.sharedClassifier).flatMap(matrix =>
      matrix.parts.map(part => [part.source, matrix.name] as const),
    ),
  );
  return Array.from(layout.tensors.values(), (source): Destination => {
    const matrix = matrixOf.get(source.name);
    if (matrix !== undefined) return { source, target: matrix, form: 'tiles' };
    if (source.name === 'token_embedding') return { source, target: EMBEDDING_TENSOR, form: 'halves' };
    return { source, target: LAYER_NORM.exec(source.name)?.[1] ?? source.name, form: 'floats' };
  });
}
