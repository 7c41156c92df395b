import { createHash } from 'node:crypto';
import { InputFile, type NpuFile } from '@npu-llama/format';

/** SHA-256 of everything before a .npu file's data: it holds each tensor's checksum, so it stands for the file. */
export function headerSha256(model: NpuFile): string {
  using file = InputFile.open(model.path);
  return createHash('sha256').update(file.readUpTo(model.dataOffset, 0)).digest('hex');
}
