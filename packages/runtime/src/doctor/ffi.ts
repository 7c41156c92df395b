import { DeviceError } from '../errors.js';
import { FFI_NAMES, type FfiAdapter, type FfiName } from '../ffi/adapter.js';
import { type Check, type Finding, ok, problem } from './check.js';
import type { DoctorContext } from './context.js';
import { openKernel } from './open-kernel.js';

/** One check an adapter: whether it loads, and what a call through it costs. The chosen one gives the kernel. */
export const ffiChecks: readonly Check[] = FFI_NAMES.map(name => {
  return {
    id: `ffi-${name}`,
    title: `FFI adapter ${name}`,
    section: 'This machine' as const,
    run: context => examine(name, context),
  };
});

async function examine(name: FfiName, context: DoctorContext): Promise<Finding> {
  const chosen = name === context.ffi;
  let adapter: FfiAdapter;
  try {
    adapter = await loadAdapter(name);
    // The runtime loads koffi whichever adapter it uses: without it the chosen one does not help.
    if (chosen) await import('../driver/native-kernel.js');
  } catch (error) {
    // ffi-napi is compiled at install, where there is a compiler; koffi is what everything stands on.
    if (name === 'ffi-napi' && !chosen) return ok('not installed; optional', { loads: false, chosen });
    const next = error instanceof DeviceError ? error.next : 'install the packages again, on this machine';
    return problem(`does not load: ${firstLine(error)}`, next, { loads: false, chosen });
  }
  if (chosen) context.kernel = await openKernel(adapter, context);
  const callMicroseconds = callCost(adapter);
  const use = chosen ? ', in use' : '';
  return ok(`${callMicroseconds.toFixed(2)} us a call${use}`, { loads: true, chosen, callMicroseconds });
}

/** No sooner than here: an adapter that does not load is a finding. */
async function loadAdapter(name: FfiName): Promise<FfiAdapter> {
  if (name === 'koffi') return (await import('../ffi/koffi.js')).koffiAdapter;
  return (await import('../ffi/ffi-napi.js')).loadFfiNapiAdapter();
}

const CALLS = 500;
const BATCHES = 5;

/** @returns microseconds of an ioctl that the kernel turns down at once (no such fd), the best of some batches */
function callCost(adapter: FfiAdapter): number {
  const libc = { open: 'open', close: 'close', ioctl: 'ioctl', mmap: 'mmap', munmap: 'munmap' };
  const { ioctl } = adapter.bind(null, libc);
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) ioctl(-1, 0, 0);
    best = Math.min(best, performance.now() - start);
  }
  return (best / CALLS) * 1000;
}

function firstLine(error: unknown): string {
  if (error instanceof DeviceError) return error.message.replace(`; ${error.next}`, '');
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0]!;
}
