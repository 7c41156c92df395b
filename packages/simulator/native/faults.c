#include "faults.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "refuse.h"
#include "stats.h"

static _Atomic uint64_t calls[CALL_KINDS];

static const char *const call_names[CALL_KINDS] = {
    [CALL_OPEN] = "open",   [CALL_VERSION] = "version", [CALL_ACTION] = "action",   [CALL_SUBMIT] = "submit",
    [CALL_ALLOC] = "alloc", [CALL_MAP] = "map",         [CALL_MMAP] = "mmap",       [CALL_DESTROY] = "destroy",
    [CALL_SYNC] = "sync",   [CALL_MUNMAP] = "munmap",   [CALL_CLOSE] = "close",
};

struct fault fault_for_call(const struct plan *plan, enum call_kind kind) {
  uint64_t call = ++calls[kind];
  /* What is unmapped and closed is this process's, with a device or without. */
  if (kind != CALL_MUNMAP && kind != CALL_CLOSE && device_is_gone(plan)) return (struct fault){ENODEV, false};
  for (unsigned i = 0; i < plan->fault_count; i++) {
    const struct planned_fault *planned = &plan->faults[i];
    if (planned->kind != kind || call < planned->first || call > planned->last) continue;
    stats_add(&stats.faults_injected, 1);
    say("injected fault: %s %llu fails with %s%s", call_names[kind], (unsigned long long)call,
        strerror(planned->error), planned->hangs ? "; its cores wait for ACTION reset" : "");
    return (struct fault){planned->error, planned->hangs};
  }
  return (struct fault){0, false};
}

bool device_is_gone(const struct plan *plan) {
  for (unsigned kind = 0; kind < CALL_KINDS; kind++)
    if (plan->gone_at[kind] != 0 && calls[kind] >= plan->gone_at[kind]) return true;
  return false;
}

void faults_restart_counting(void) {
  for (unsigned kind = 0; kind < CALL_KINDS; kind++) calls[kind] = 0;
}
