import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from '@jest/globals';
import { preset, type RandomCheckpointOptions, writeRandomCheckpoint } from '@npu-llama/fixtures';
import {
  type CheckpointHeader,
  type CheckpointVersion,
  checkpointLayout,
  encodeCheckpointHeader,
  type ModelConfig,
} from '@npu-llama/format';

/** A place for a test's files, with only what the test put there: whatever else turns up was left behind. */
export interface Workplace {
  path(name: string): string;
  /** A message without the folder's name. */
  withoutFolder(text: string): string;
  files(): string[];
  write(name: string, bytes: Uint8Array | string): string;
  /** A random checkpoint; of the `tiny` preset unless told otherwise. */
  checkpoint(name: string, options?: Partial<RandomCheckpointOptions>): string;
  /** A checkpoint of zeros that takes no room on the disk. */
  sparseCheckpoint(name: string, config: ModelConfig): string;
}

/** Gives each test a folder of its own; all are gone in the end. */
export function workplaces(): () => Workplace {
  let root = '';
  let count = 0;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'npu-converter-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return () => {
    const folder = join(root, String(count++));
    mkdirSync(folder);
    const path = (name: string): string => join(folder, name);
    return {
      path,
      withoutFolder: text => text.replaceAll(`${folder}/`, ''),
      files: () => readdirSync(folder).sort(),
      write(name, bytes) {
        writeFileSync(path(name), bytes);
        return path(name);
      },
      checkpoint(name, options = {}) {
        writeRandomCheckpoint(path(name), { config: preset('tiny'), ...options });
        return path(name);
      },
      sparseCheckpoint(name, config) {
        const header: CheckpointHeader = { version: 0, config, sharedClassifier: true };
        writeFileSync(path(name), encodeCheckpointHeader(header));
        truncateSync(path(name), checkpointLayout(header).fileBytes);
        return path(name);
      },
    };
  };
}

/** Overwrites one weight of an FP32 checkpoint made by `checkpoint`. */
export function setWeight(
  path: string,
  version: Exclude<CheckpointVersion, 2>,
  [tensorName, row, column]: readonly [tensor: string, row: number, column: number],
  value: number,
  options: { config?: ModelConfig; sharedClassifier?: boolean } = {},
): void {
  const { config = preset('tiny'), sharedClassifier = true } = options;
  const tensor = checkpointLayout({ version, config, sharedClassifier }).tensors.get(tensorName)!;
  const fd = openSync(path, 'r+');
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  writeSync(fd, bytes, 0, 4, tensor.storage.offset + 4 * (row * tensor.columns + column));
  closeSync(fd);
}

/** A .npu file read with nothing of ours: only what docs/npu-file.md says. */
export interface PlainFile {
  readonly metadata: Record<string, string>;
  readonly tensors: Record<string, { dtype: string; shape: number[]; bytes: Buffer }>;
  readonly matrices: Record<string, { columns: number; parts: Record<string, [first: number, end: number]> }>;
}

export function readPlainly(path: string): PlainFile {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...entries } = JSON.parse(bytes.toString('utf8', 8, start));
  const tensors = Object.fromEntries(
    Object.entries(
      entries as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
    ).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => [name, { dtype, shape, bytes: bytes.subarray(start + from, start + to) }],
    ),
  );
  return { metadata, tensors, matrices: JSON.parse(metadata.matrices) };
}

export const COMMAND = fileURLToPath(new URL('../../bin/convert-weights.js', import.meta.url));

export interface CommandResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program; `result` comes when it has ended. */
export function start(program: string, args: readonly string[], env = process.env) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => (stdout += chunk));
  child.stderr.on('data', chunk => (stderr += chunk));
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return { child, result };
}

/** Runs convert-weights as a user does. */
export function convertWeights(...args: string[]): Promise<CommandResult> {
  return start(process.execPath, [COMMAND, ...args]).result;
}
