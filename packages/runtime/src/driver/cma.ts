import { readFileSync } from 'node:fs';

/** The kernel's contiguous memory allocator: what DMA memory comes from where there is no IOMMU. */
export interface CmaInfo {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** CmaTotal and CmaFree of /proc/meminfo; undefined where the kernel has none or the file cannot be read. */
export function readCmaInfo(path = '/proc/meminfo'): CmaInfo | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined; // only ever adds to a message: not being able to say more is no error
  }
  const bytes = (name: string): number | undefined => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
    return match === null ? undefined : Number(match[1]) * 1024;
  };
  const totalBytes = bytes('CmaTotal');
  const freeBytes = bytes('CmaFree');
  return totalBytes === undefined || freeBytes === undefined ? undefined : { totalBytes, freeBytes };
}
