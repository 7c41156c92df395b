import { CONFIG_FIELDS, FileError, type NpuFileDescription } from '@npu-llama/format';
import type { Golden } from './golden-file.js';

/**
 * Refuses to hold a .npu file against a golden record of another model: then every difference would be the NPU's fault in
 * the report and nobody's in truth.
 * @throws FileError naming both
 */
export function requireRecorded(
  npu: {
    readonly path: string;
    readonly description: NpuFileDescription;
    /** See headerSha256. */
    readonly headerSha256: string;
  },
  golden: Golden,
  goldenPath: string,
): void {
  const { source, config, sharedClassifier } = npu.description;
  const { checkpoint, model } = golden;
  if (source.sha256 !== checkpoint.sha256) {
    throw new FileError(npu.path, `was not made from the checkpoint that ${goldenPath} is of`, {
      got: `${source.name} with SHA-256 ${source.sha256}`,
      wanted: `${checkpoint.name} with ${checkpoint.sha256}`,
      next: 'convert that checkpoint, or record this one',
    });
  }
  if (model !== undefined && model.headerSha256 !== npu.headerSha256) {
    throw new FileError(npu.path, `is not the file that ${goldenPath} was recorded for`, {
      got: `a header with SHA-256 ${npu.headerSha256}`,
      wanted: model.headerSha256,
      next: 'copy that file again, or record this one',
    });
  }
  const facts = [
    ...CONFIG_FIELDS.map(([field, name]) => [name, config[field], checkpoint.config[field]] as const),
    ['shared_classifier', sharedClassifier, checkpoint.sharedClassifier] as const,
  ];
  for (const [name, got, wanted] of facts) {
    if (got === wanted) continue;
    throw new FileError(goldenPath, `disagrees with ${npu.path} about ${name}`, {
      got: String(wanted),
      wanted: String(got),
      next: 'record it again',
    });
  }
}
