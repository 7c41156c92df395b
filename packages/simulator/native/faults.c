#include "faults.h"

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

bool device_is_gone(const struct plan *plan) { return plan->gone_at != 0 && calls[CALL_SUBMIT] >= plan->gone_at; }

void faults_restart_counting(void) {
  for (unsigned kind = 0; kind < CALL_KINDS; kind++) calls[kind] = 0;
}
