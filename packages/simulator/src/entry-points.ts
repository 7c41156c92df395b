/** The library's functions (native/npu_sim.h): the five calls of the uAPI with libc's signatures, then its own. */
export const SIMULATOR_ENTRY_POINTS = {
  open: 'npu_sim_open',
  close: 'npu_sim_close',
  ioctl: 'npu_sim_ioctl',
  mmap: 'npu_sim_mmap',
  munmap: 'npu_sim_munmap',
  stats: 'npu_sim_stats',
  resetStats: 'npu_sim_reset_stats',
  configure: 'npu_sim_configure',
  lastRefusal: 'npu_sim_last_refusal',
} as const;
