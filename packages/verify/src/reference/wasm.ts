/** What is used of the global WebAssembly, whose types belong to the DOM's, not to Node's. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WasmApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { env: { memory: WasmMemory } },
  ) => { readonly exports: unknown };
}

export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WasmApi };

export const PAGE_BYTES = 65536;
