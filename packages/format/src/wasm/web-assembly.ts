/** A memory; shared between threads where it was made so. */
export interface WasmMemory<Buffer extends ArrayBufferLike = ArrayBuffer> {
  readonly buffer: Buffer;
}

/** Compiled code; goes to a worker thread as it is. */
export type WasmModule = object;

export interface WasmInstance {
  readonly exports: unknown;
}

/** In pages of 64 KiB. */
interface Limits {
  readonly initial: number;
  readonly maximum: number;
}

/** What is used of the global WebAssembly, whose types belong to the DOM's, not to Node's. */
interface WasmApi {
  readonly Memory: {
    /** @throws RangeError when there is no room for it */
    new (limits: Limits & { readonly shared: true }): WasmMemory<SharedArrayBuffer>;
    new (limits: Limits): WasmMemory;
  };
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { env: { memory: WasmMemory<ArrayBufferLike> } },
  ) => WasmInstance;
}

export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WasmApi };

export const PAGE_BYTES = 65536;
