import { writeFileSync } from 'node:fs';
import {
  type CheckpointHeader,
  crc32,
  encodeNpuHeader,
  encodeTokenizer,
  formatChecksum,
  type NpuFileDescription,
  npuTensors,
  type Vocabulary,
} from '@npu-llama/format';

/** What a test wants to be in the file's header. */
export interface NpuFileFacts extends Pick<CheckpointHeader, 'config' | 'sharedClassifier'> {
  readonly sha256: string;
  readonly vocabulary?: Vocabulary;
}

/** Writes a .npu file whose weights are all zero: whole to a reader, made without the converter. */
export function writeHollowNpuFile(path: string, facts: NpuFileFacts): void {
  const { config, sharedClassifier, sha256, vocabulary } = facts;
  const tokenizer = vocabulary ? encodeTokenizer(vocabulary) : new Uint8Array();
  const description: NpuFileDescription = {
    config,
    sharedClassifier,
    source: { name: 'model.bin', sha256, version: 0 },
    converter: '0.1.0',
    saturated: 0,
    tokenizerBytes: tokenizer.length,
  };
  const contents = npuTensors(config, sharedClassifier, tokenizer.length).map(({ name, bytes }) =>
    name === 'tokenizer' ? { name, data: tokenizer } : { name, data: new Uint8Array(bytes) },
  );
  const checksums = new Map(contents.map(({ name, data }) => [name, formatChecksum(crc32(data))]));
  writeFileSync(
    path,
    Buffer.concat([encodeNpuHeader(description, checksums), ...contents.map(({ data }) => data)]),
  );
}
