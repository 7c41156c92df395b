import type { CheckpointVersion } from '../checkpoint/index.js';
import type { ModelConfig } from '../model-config.js';

/**
 * A .npu file is a safetensors file: u64 header length, a JSON header, the tensors' bytes without gaps.
 * docs/npu-file.md says the same byte by byte; writer and reader both go by this folder.
 */
export const FORMAT_NAME = 'npu-llama';
export const FORMAT_VERSION = 1;

/** Data starts at a multiple of this, so that it can be read into pages. */
export const DATA_ALIGNMENT_BYTES = 4096;
/** The u64 before the JSON. */
export const LENGTH_PREFIX_BYTES = 8;
/** A model of 4096 layers, the most there may be, has 4.2 MB. Read as JSON a hostile header takes some 30 times its length. */
export const MAX_HEADER_BYTES = 8 << 20;

export type TensorDtype = 'F16' | 'F32' | 'U8';
export const DTYPE_BYTES: Readonly<Record<TensorDtype, number>> = { F16: 2, F32: 4, U8: 1 };

export const TOKENIZER_TENSOR = 'tokenizer';
export const EMBEDDING_TENSOR = 'token_embedding';
export const CLASSIFIER_MATRIX = 'classifier';

/** The matrices of a layer, in the order of the data flow, and what each is fused of. */
export const LAYER_MATRICES = ['wqkv', 'wo', 'w13', 'w2'] as const;
export type LayerMatrixName = (typeof LAYER_MATRICES)[number];

/** Rows of one checkpoint tensor within a tiled matrix. */
export interface MatrixPart {
  /** The checkpoint's tensor: `layers.3.wk`. */
  readonly source: string;
  /** First row in the matrix, a multiple of 16. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A matrix in the NPU's layout, [paddedRows/16][paddedColumns/32][16][32] f16. */
export interface TiledMatrix {
  /** `layers.3.wqkv`, `classifier`. */
  readonly name: string;
  /** K before padding. */
  readonly columns: number;
  readonly paddedColumns: number;
  /** N: every part padded to a multiple of 16. */
  readonly paddedRows: number;
  readonly parts: readonly MatrixPart[];
}

/** One tensor of the file. */
export interface NpuTensor {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** From the start of the data. */
  readonly offset: number;
  readonly bytes: number;
}

/** What a .npu file says about itself. */
export interface NpuFileDescription {
  readonly config: ModelConfig;
  readonly sharedClassifier: boolean;
  readonly source: {
    /** The checkpoint's file name, without folders. */
    readonly name: string;
    readonly sha256: string;
    readonly version: CheckpointVersion;
  };
  /** Version of @npu-llama/converter. */
  readonly converter: string;
  /** Weights that --saturate clamped to FP16's range. */
  readonly saturated: number;
  /** Bytes of the tokenizer file inside, or 0. */
  readonly tokenizerBytes: number;
}
