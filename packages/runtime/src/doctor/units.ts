/** For people, not for programs: those get `values`. */
export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

export function milliseconds(ms: number): string {
  return ms < 1 ? `${(ms * 1000).toFixed(0)} us` : `${ms.toFixed(2)} ms`;
}

export function rowsOf(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`;
}
