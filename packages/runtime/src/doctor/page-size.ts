import { type Check, ok, skipped, warning } from './check.js';

/** Of the kernel's list of pairs, each two words (linux/auxvec.h). */
const AT_PAGESZ = 6n;
const PAIR_BYTES = 16;

/** @param auxv /proc/self/auxv of a 64-bit process: (type u64, value u64) pairs, little endian */
export function pageBytesOf(auxv: Uint8Array): number | undefined {
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.byteLength);
  for (let at = 0; at + PAIR_BYTES <= auxv.length; at += PAIR_BYTES) {
    if (view.getBigUint64(at, true) === AT_PAGESZ) return Number(view.getBigUint64(at + 8, true));
  }
  return undefined;
}

/** The memory plan counts pages of 4 KiB. */
const EXPECTED_PAGE_BYTES = 4096;

export const pageSizeCheck: Check = {
  id: 'page-size',
  title: 'page size',
  section: 'This machine',
  run: ({ files }) => {
    const auxv = files.bytes('/proc/self/auxv');
    const pageBytes = auxv && pageBytesOf(auxv);
    if (pageBytes === undefined) return skipped('the kernel does not say (/proc/self/auxv)');
    const detail = `${pageBytes / 1024} KiB`;
    if (pageBytes === EXPECTED_PAGE_BYTES) return ok(detail, { pageBytes });
    const next = `DMA memory comes in whole pages: it takes a little more than planned in ones of 4 KiB`;
    return warning(detail, next, { pageBytes });
  },
};
