export {
  CLASSIFIER_MATRIX,
  EMBEDDING_TENSOR,
  FORMAT_VERSION,
  LAYER_MATRICES,
  type LayerMatrixName,
  type MatrixPart,
  type NpuFileDescription,
  type NpuTensor,
  type TensorDtype,
  type TiledMatrix,
  TOKENIZER_TENSOR,
} from './definition.js';
export { encodeNpuHeader, type NpuFileHeader, parseNpuHeader } from './header.js';
export { npuTensors, tiledBytes, tiledMatrices } from './layout.js';
export type { AbortCheck, LoadTensorsOptions, TensorTarget } from './load-tensors.js';
export { NpuFile, type ReadTensorOptions } from './npu-file.js';
