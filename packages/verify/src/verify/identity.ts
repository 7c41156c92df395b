import { createHash } from 'node:crypto';
import { read } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import {
  type CheckpointFile,
  CONFIG_FIELDS,
  FileError,
  fileErrorFrom,
  type NpuFileDescription,
} from '@npu-llama/format';

const CHUNK_BYTES = 1 << 20;

export interface HashOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytesDone: number) => void;
}

/**
 * SHA-256 of the very file that the reference's weights are read from.
 * @throws FileError when it cannot be read
 */
export async function sha256OfCheckpoint(
  checkpoint: CheckpointFile,
  options: HashOptions = {},
): Promise<string> {
  const hash = createHash('sha256');
  const { fileBytes } = checkpoint.layout;
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, fileBytes));
  // Not a stream: destroying one closes the fd, which is the checkpoint's.
  for (let position = 0; position < fileBytes; ) {
    options.signal?.throwIfAborted();
    const length = Math.min(chunk.length, fileBytes - position);
    const { bytesRead } = await readChunk(checkpoint, chunk, length, position);
    if (bytesRead === 0) {
      throw new FileError(checkpoint.path, 'ended while being read', {
        got: `${position} bytes`,
        wanted: String(fileBytes),
        next: 'was it changed meanwhile?',
      });
    }
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
    options.onProgress?.(position);
  }
  return hash.digest('hex');
}

const readAt = promisify(read);

async function readChunk(checkpoint: CheckpointFile, into: Buffer, length: number, position: number) {
  try {
    return await readAt(checkpoint.fd, into, 0, length, position);
  } catch (error) {
    throw fileErrorFrom(error, checkpoint.path, 'read');
  }
}

/**
 * Refuses to compare a .npu file with a checkpoint that it was not made from: then every difference would be the NPU's
 * fault in the report and nobody's in truth.
 * @throws FileError naming both
 */
export function requireSameModel(
  npu: { readonly path: string; readonly description: NpuFileDescription },
  checkpoint: CheckpointFile,
  checkpointSha256: string,
): void {
  const { source, config, sharedClassifier } = npu.description;
  const { layout } = checkpoint;
  if (source.sha256 !== checkpointSha256) {
    throw new FileError(npu.path, 'was not made from this reference', {
      got: `${basename(checkpoint.path)} with SHA-256 ${checkpointSha256}`,
      wanted: `${source.name} with ${source.sha256}`,
      next: 'name the checkpoint that it was made from, or convert this one',
    });
  }
  const facts = [
    ...CONFIG_FIELDS.map(([field, name]) => [name, config[field], layout.config[field]] as const),
    ['shared_classifier', sharedClassifier, layout.sharedClassifier] as const,
    ['checkpoint version', source.version, layout.version] as const,
  ];
  for (const [name, got, wanted] of facts) {
    if (got === wanted) continue;
    throw new FileError(npu.path, `disagrees with the checkpoint that it was made from about ${name}`, {
      got: String(got),
      wanted: String(wanted),
      next: 'convert it again',
    });
  }
}
