export { formatBytes, formatBytesExactly } from './byte-size.js';
export * from './checkpoint/index.js';
export { crc32, formatChecksum } from './checksum.js';
export {
  type ErrorFacts,
  ExitStatus,
  errnoName,
  FileError,
  fileErrorFrom,
  ToolkitError,
  UsageError,
} from './errors.js';
export { InputFile } from './file-io.js';
export { floatToHalf, HALF_MAX, HALF_OVERFLOW, halfFromFloatBits, halfToFloat, halfValues } from './half.js';
export { CONFIG_FIELDS, checkModelConfig, headSize, kvDim, type ModelConfig } from './model-config.js';
export * from './npu-file/index.js';
export { OutputFile } from './output-file.js';
export type { ExistingTarget } from './output-target.js';
export { findLeftovers, type Leftover } from './temporary-file.js';
export {
  BOS_TOKEN,
  EOS_TOKEN,
  encodeTokenizer,
  FIRST_BYTE_TOKEN,
  parseTokenizer,
  readTokenizerFile,
  UNKNOWN_TOKEN,
  type Vocabulary,
} from './tokenizer/tokenizer-file.js';
