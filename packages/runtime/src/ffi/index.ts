import { type FfiAdapter, ffiName } from './adapter.js';
import { loadFfiNapiAdapter } from './ffi-napi.js';
import { koffiAdapter } from './koffi.js';

export {
  type EntryPointNames,
  type EntryPoints,
  FFI_NAMES,
  type FfiAdapter,
  type FfiName,
  ffiName,
  MAP_FAILED,
} from './adapter.js';

/**
 * @param chosen koffi or ffi-napi; by default what NPU_FFI says, else koffi
 * @throws UsageError for another name, DeviceError when that adapter is not installed
 */
export function loadFfi(chosen?: string): FfiAdapter {
  return ffiName(chosen) === 'koffi' ? koffiAdapter : loadFfiNapiAdapter();
}
