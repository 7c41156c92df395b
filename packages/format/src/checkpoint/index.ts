export { CheckpointFile } from './checkpoint-file.js';
export { encodeCheckpointHeader, parseCheckpointHeader } from './header.js';
export {
  CHECKPOINT_MAGIC,
  type CheckpointHeader,
  type CheckpointLayout,
  type CheckpointTensor,
  type CheckpointVersion,
  checkpointLayout,
  LEGACY_HEADER_BYTES,
  type TensorStorage,
  VERSIONED_HEADER_BYTES,
} from './layout.js';
export type { TensorShape } from './tensors.js';
