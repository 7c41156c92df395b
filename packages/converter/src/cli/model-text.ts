import { CONFIG_FIELDS, type ModelConfig } from '@npu-llama/format';
import { megabytes } from './units.js';

interface Model {
  readonly config: ModelConfig;
  readonly sharedClassifier: boolean;
  readonly tokenizerBytes: number;
}

/** Lines about the model in a .npu file, for reports and inspections alike. */
export function describeModel({ config, sharedClassifier, tokenizerBytes }: Model): string[] {
  return [
    `  dimensions       ${CONFIG_FIELDS.map(([field, name]) => `${name} ${config[field]}`).join(', ')}`,
    `  classifier       ${sharedClassifier ? 'the token embedding' : 'of its own'}`,
    `  tokenizer        ${tokenizerBytes === 0 ? 'none inside' : `inside, ${megabytes(tokenizerBytes)}`}`,
  ];
}
