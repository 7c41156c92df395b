import type { Phase } from './life.js';
import type { CallKind } from './recording-kernel.js';

/** What a call can fail with. `timeout` is the simulated device's: ETIMEDOUT, and the cores wait for a reset. */
export const ERRNOS: Readonly<Record<CallKind, readonly string[]>> = {
  open: ['EACCES', 'ENODEV', 'EBUSY', 'EMFILE', 'ENOMEM', 'EIO'],
  version: ['EIO', 'EACCES', 'ENODEV', 'EFAULT', 'EINVAL'],
  action: ['EIO', 'EACCES', 'ENODEV', 'EFAULT', 'EBUSY', 'EINVAL'],
  alloc: ['ENOMEM', 'EFAULT', 'EINVAL', 'EACCES', 'ENODEV', 'EIO'],
  map: ['EINVAL', 'EFAULT', 'EACCES', 'ENOMEM'],
  // POSIX: here EAGAIN says that too much is locked, and would go on saying so.
  mmap: ['ENOMEM', 'EACCES', 'EINVAL', 'ENODEV', 'EAGAIN'],
  submit: ['EIO', 'ENOMEM', 'EFAULT', 'EACCES', 'EBUSY', 'ENODEV', 'EINVAL', 'ETIMEDOUT', 'timeout'],
  sync: ['EIO', 'EINVAL', 'EFAULT', 'ENOMEM', 'ENODEV'],
  munmap: ['EINVAL', 'ENOMEM'],
  destroy: ['EIO', 'EINVAL', 'EFAULT', 'EBUSY'],
  close: ['EIO', 'ENOSPC'],
};

/** What interrupts a call that is then made again, or (close) has done its work. */
export const INTERRUPTIONS: Readonly<Record<CallKind, readonly string[]>> = {
  open: ['EINTR'],
  version: ['EINTR', 'EAGAIN'],
  action: ['EINTR', 'EAGAIN'],
  alloc: ['EINTR', 'EAGAIN'],
  map: ['EINTR', 'EAGAIN'],
  mmap: ['EINTR'],
  submit: ['EINTR', 'EAGAIN'],
  sync: ['EINTR', 'EAGAIN'],
  munmap: [],
  destroy: ['EINTR', 'EAGAIN'],
  close: ['EINTR'],
};

const CHECK = 'start-up check: (features|weights|result|programs|tasks)';
const MODEL =
  '(weights of (layers\\.0\\.(wqkv|wo|w13|w2)|classifier)|features|results|programs|task records)';
const JOB = '(layers\\.0\\.(wqkv|wo|w13|w2)|classifier) with \\d+ rows?';

const refused = (call: string, label: string): string =>
  `the driver refused .* of DMA memory for ${label}: ${call}: `;
const memory = (label: string) => ({
  alloc: refused('RKNPU_MEM_CREATE', label),
  map: refused('RKNPU_MEM_MAP', label),
  mmap: refused('mmap of \\d+ bytes', label),
});
const freed = (label: string) => ({
  munmap: `cannot unmap ${label}: munmap: `,
  destroy: `cannot free ${label}: RKNPU_MEM_DESTROY: `,
});
const running = {
  submit: `RKNPU_SUBMIT (failed: .*|timed out after 6000 ms): ${JOB}, 0 of \\d tasks done; `,
  sync: 'cannot sync \\d+ bytes of results from the device: RKNPU_MEM_SYNC: ',
};

/** How the error of a call begins that fails in a phase: what was done, with what. Every call that is made has its line. */
export const MESSAGES: Readonly<Record<Phase, Readonly<Partial<Record<CallKind, string>>>>> = {
  open: {
    open: 'cannot open the simulated device: open /dev/dri/card1: ',
    version: 'cannot open the simulated device: DRM_IOCTL_VERSION: ',
    action: 'cannot ask whether the IOMMU is on: RKNPU_ACTION: ',
    ...memory(CHECK),
    sync: `cannot sync \\d+ bytes of ${CHECK} (to|from) the device: RKNPU_MEM_SYNC: `,
    submit: 'RKNPU_SUBMIT failed: .*: start-up check with (1 row|64 rows), 0 of \\d tasks done; ',
    ...freed(CHECK),
  },
  load: { ...memory(MODEL), sync: 'cannot sync \\d+ bytes of (task records|results) to the device: ' },
  prompt: running,
  tokens: running,
  close: { ...freed(MODEL), close: 'cannot close the device: close: ' },
};

/** What to do when the device has gone, whatever was asked of it. */
export const GONE = 'the device is gone: reboot the board';

/** What to do otherwise, as the error ends. */
export const ADVICE: Readonly<Partial<Record<CallKind, string>>> = {
  action: 'docs/board-setup.md names the drivers that are known to work',
  sync: 'no reset is needed: run it again; if it stays, close the device and open it again',
  munmap: 'it stays mapped until this process ends, and takes DMA memory until then: start it again',
  destroy: 'the kernel frees it when the device is closed: close it, and open it again for more',
  close: 'it is closed all the same, and the kernel has its memory back; the kernel log (dmesg) may say why',
};

/** At the start a job that hangs, or is refused, may be what another process left behind: a reset, and again. */
export function isMended(phase: Phase, kind: CallKind, errno: string): boolean {
  return phase === 'open' && kind === 'submit' && ['EINVAL', 'ETIMEDOUT', 'timeout'].includes(errno);
}
