import { FileError } from './errors.js';

/** The dimensions of a llama2.c model, in the names of its header. */
export interface ModelConfig {
  /** D: width of the residual stream. */
  readonly dim: number;
  /** H: width of the feed-forward layer. */
  readonly hiddenDim: number;
  readonly layerCount: number;
  readonly headCount: number;
  /** Key/value heads; each serves headCount / kvHeadCount query heads. */
  readonly kvHeadCount: number;
  readonly vocabSize: number;
  /** Positions that the model was trained for: the length of its KV cache. */
  readonly seqLen: number;
}

/** Elements of one attention head. */
export function headSize(config: ModelConfig): number {
  return config.dim / config.headCount;
}

/** Elements of the keys (and of the values) of one position. */
export function kvDim(config: ModelConfig): number {
  return headSize(config) * config.kvHeadCount;
}

/** Names as llama2.c writes them, for messages and metadata. */
export const CONFIG_FIELDS = [
  ['dim', 'dim', 1 << 17],
  ['hiddenDim', 'hidden_dim', 1 << 19],
  ['layerCount', 'n_layers', 1 << 12],
  ['headCount', 'n_heads', 1 << 14],
  ['kvHeadCount', 'n_kv_heads', 1 << 14],
  ['vocabSize', 'vocab_size', 1 << 20],
  ['seqLen', 'seq_len', 1 << 24],
] as const satisfies readonly (readonly [keyof ModelConfig, string, number])[];

/**
 * Checks dimensions that come from a file.
 * @param next what to do about impossible ones
 * @throws FileError naming the field: not in 1..its limit (far above every model known), heads that do not divide,
 *   a head with an odd number of elements (RoPE turns pairs).
 */
export function checkModelConfig(
  config: ModelConfig,
  path: string,
  next = 'is this a llama2.c checkpoint?',
): void {
  for (const [field, name, limit] of CONFIG_FIELDS) {
    const value = config[field];
    if (!Number.isInteger(value) || value < 1 || value > limit) {
      throw new FileError(path, `impossible ${name} in the header`, {
        got: String(value),
        wanted: `1 to ${limit}`,
        next,
      });
    }
  }
  const { dim, headCount, kvHeadCount } = config;
  if (dim % headCount !== 0) {
    throw new FileError(path, 'n_heads does not divide dim', { got: `n_heads ${headCount}, dim ${dim}` });
  }
  if (headCount % kvHeadCount !== 0) {
    throw new FileError(path, 'n_kv_heads does not divide n_heads', {
      got: `n_kv_heads ${kvHeadCount}, n_heads ${headCount}`,
    });
  }
  if (headSize(config) % 2 !== 0) {
    throw new FileError(path, 'the head size is odd, but RoPE turns pairs', {
      got: `dim ${dim} / n_heads ${headCount} = ${headSize(config)}`,
      wanted: 'an even number',
    });
  }
}
