import {
  type CheckpointLayout,
  encodeNpuHeader,
  formatChecksum,
  type NpuFileDescription,
  type NpuTensor,
  npuTensors,
} from '@npu-llama/format';
import { type Destination, destinations } from './destinations.js';
import { converterVersion } from './version.js';

/** What is known only when everything has been read. */
export type ConversionOutcome = Pick<NpuFileDescription, 'saturated'> & { readonly sha256: string };

/** What a conversion will do. */
export interface ConversionPlan {
  readonly tensors: readonly NpuTensor[];
  /** In the order of the checkpoint. */
  readonly work: readonly Destination[];
  /** The header's length; the tensors' bytes begin behind it. */
  readonly headerBytes: number;
  /** All tensors together. */
  readonly tensorBytes: number;
  readonly describe: (outcome: ConversionOutcome) => NpuFileDescription;
}

/** Stands for every outcome: as long in the header as a real one. */
const NO_OUTCOME: ConversionOutcome = { sha256: '0'.repeat(64), saturated: 0 };
const NO_CHECKSUM = formatChecksum(0);

/** Plans the conversion of a checkpoint named `sourceName`, with a tokenizer of so many bytes or 0. */
export function planConversion(
  layout: CheckpointLayout,
  sourceName: string,
  tokenizerBytes: number,
): ConversionPlan {
  const { config, sharedClassifier, version } = layout;
  const tensors = npuTensors(config, sharedClassifier, tokenizerBytes);
  const converter = converterVersion();
  const describe = ({ sha256, saturated }: ConversionOutcome): NpuFileDescription => ({
    config,
    sharedClassifier,
    source: { name: sourceName, sha256, version },
    converter,
    saturated,
    tokenizerBytes,
  });
  const noChecksums = new Map(tensors.map(({ name }) => [name, NO_CHECKSUM]));
  return {
    tensors,
    work: destinations(layout),
    headerBytes: encodeNpuHeader(describe(NO_OUTCOME), noChecksums).length,
    tensorBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    describe,
  };
}
