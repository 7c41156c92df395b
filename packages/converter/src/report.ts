import type { CheckpointVersion, ModelConfig } from '@npu-llama/format';

/** What a conversion did; `--json` prints it. */
export interface ConversionReport {
  readonly source: {
    readonly path: string;
    readonly version: CheckpointVersion;
    readonly bytes: number;
    readonly sha256: string;
  };
  readonly target: { readonly path: string; readonly bytes: number };
  readonly config: ModelConfig;
  readonly sharedClassifier: boolean;
  /** Bytes of the tokenizer inside, or 0. */
  readonly tokenizerBytes: number;
  /** DMA memory for the tiled matrices; a runtime needs some more for programs, activations and results. */
  readonly weightsDmaBytes: number;
  /** Whether the weights alone need more than the 4 GiB that the NPU's 32-bit addresses reach. */
  readonly exceedsDmaWindow: boolean;
  /** The largest |weight - rounded weight| and the checkpoint's tensor that has it; null when all were exact. */
  readonly largestRoundingError: { readonly error: number; readonly tensor: string } | null;
  /** Finite weights beyond FP16's range that were clamped. */
  readonly saturated: number;
  readonly milliseconds: number;
}
