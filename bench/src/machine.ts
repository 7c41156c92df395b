import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ChildError, runChild } from './child.js';
import type { Machine } from './results.js';

/** What figures depend on. Says nothing that tells one machine of a kind from another. */
export function describeMachine(compiler: string | null): Machine {
  return {
    cpu: cpuName(),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    architecture: arch(),
    kernel: release(),
    node: process.versions.node,
    compiler,
  };
}

/** arm64 kernels do not name the processor; boards name themselves. */
function cpuName(): string {
  const name = cpus()[0]?.model.trim() ?? '';
  if (name !== '' && name !== 'unknown') return name;
  try {
    return readFileSync('/proc/device-tree/model', 'utf8').replaceAll('\0', '').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The commit that is measured, with `+` where files differ from it; null where git does not say. */
export async function currentCommit(signal: AbortSignal): Promise<string | null> {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const git = async (...args: string[]): Promise<string> =>
    (await runChild('git', ['-C', folder, ...args], { signal })).stdout.trim();
  try {
    const changed = (await git('status', '--porcelain', '--untracked-files=no')) !== '';
    return `${await git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch (error) {
    if (!(error instanceof ChildError)) throw error;
    return null;
  }
}
