import { preset } from '@npu-llama/fixtures';
import { CONFIG_FIELDS, type ModelConfig } from '@npu-llama/format';

/** Whether a model has stories110M's shape, which goals are set for and published figures are of. */
export function isPublishedShape(shape: ModelConfig): boolean {
  const published = preset('stories110M');
  return CONFIG_FIELDS.every(([field]) => shape[field] === published[field]);
}
