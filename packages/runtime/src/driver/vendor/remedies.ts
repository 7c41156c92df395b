/** What to do after ENODEV, whatever was done. */
export const GONE = 'the device is gone: reboot the board';

/** What to do after a call that failed, by what was being done. */
export const REMEDIES = {
  ask: 'docs/board-setup.md names the drivers that are known to work',
  sync: 'no reset is needed: run it again; if it stays, close the device and open it again',
  // The answer to a job that is not taken; some versions give it after a time-out, too, and then reset the cores, whoever uses them.
  submitRefused:
    'reset the device: another program may have reset it meanwhile; or has it fewer cores than were asked for (--cores)?',
  reset: 'close the device and open it again; if it stays, reboot the board',
  // close(2): the file is closed whatever it answers, and what drivers keep for it goes with it.
  close: 'it is closed all the same, and the kernel has its memory back; the kernel log (dmesg) may say why',
  unmap: 'it stays mapped until this process ends, and takes DMA memory until then: start it again',
  free: 'the kernel frees it when the device is closed: close it, and open it again for more',
} as const;
