const MIB = 2 ** 20;

/** A size in a message: `218.4 MiB`, as the kernel counts memory (`cma=512M`); `4096 bytes` below one MiB. */
export function formatBytes(bytes: number): string {
  return bytes < MIB ? `${bytes} bytes` : `${(bytes / MIB).toFixed(1)} MiB`;
}

/** A size that is compared with another, or asked for: `4096.0 MiB (4294967360 bytes)`, so that one just beyond a limit shows. */
export function formatBytesExactly(bytes: number): string {
  return bytes < MIB ? formatBytes(bytes) : `${formatBytes(bytes)} (${bytes} bytes)`;
}
