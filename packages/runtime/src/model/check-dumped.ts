import { UsageError } from '@npu-llama/format';

/**
 * Refuses an NPU_DUMP (build-jobs.ts) that would show nothing.
 * @param matrices of the model at `path`
 * @throws UsageError for a name of none of them
 */
export function checkDumped(matrices: readonly { readonly name: string }[], path: string): void {
  const dumped = process.env['NPU_DUMP'] ?? '';
  const names = matrices.map(({ name }) => name);
  if (dumped === '' || names.includes(dumped)) return;
  throw new UsageError(`NPU_DUMP names no matrix of ${path}`, {
    got: dumped,
    wanted: summarized(names).join(', '),
  });
}

/** `layers.0.wqkv`, ... of many layers as one `layers.<0 to 11>.wqkv`. */
function summarized(names: readonly string[]): string[] {
  const lastLayer = Math.max(...names.map(name => Number(/^layers\.(\d+)\./.exec(name)?.[1] ?? 0)));
  return [...new Set(names.map(name => name.replace(/^layers\.\d+\./, `layers.<0 to ${lastLayer}>.`)))];
}
