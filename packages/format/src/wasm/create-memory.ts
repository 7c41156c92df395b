import { formatBytesExactly } from '../byte-size.js';
import { ExitStatus, ToolkitError } from '../errors.js';
import { PAGE_BYTES, type WasmMemory, WebAssembly } from './web-assembly.js';

/** What helps where a memory is refused though there is enough: V8 reserves 10 GiB of addresses for each, however small it is. */
export const ADDRESS_SPACE_REMEDY =
  'a WebAssembly memory reserves 10 GiB of addresses: raise `ulimit -v`, or give node --disable-wasm-trap-handler (20.15 and later)';

/** This machine, or a limit of this process, has no room for a WebAssembly memory. */
export class WasmMemoryError extends ToolkitError {
  readonly exitStatus = ExitStatus.usageOrFile;

  constructor(what: string, bytes: number, cause: unknown) {
    const got = `${formatBytesExactly(bytes)} needed`;
    super(`no memory for ${what}`, { got, next: ADDRESS_SPACE_REMEDY, cause });
  }
}

/**
 * Zeroed memory of just this size, in whole pages: it never grows, so its views stay valid.
 * @param what for messages: `the sampler`
 * @param sharing whether worker threads see it as well
 * @throws WasmMemoryError when it is refused
 */
export function createMemory(bytes: number, what: string, sharing: 'shared'): WasmMemory<SharedArrayBuffer>;
export function createMemory(bytes: number, what: string): WasmMemory;
export function createMemory(
  bytes: number,
  what: string,
  sharing?: 'shared',
): WasmMemory<ArrayBuffer | SharedArrayBuffer> {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const limits = { initial: pages, maximum: pages };
  try {
    if (sharing === undefined) return new WebAssembly.Memory(limits);
    return new WebAssembly.Memory({ ...limits, shared: true });
  } catch (cause) {
    throw new WasmMemoryError(what, bytes, cause);
  }
}
