/* Planned faults: which call of which kind goes wrong, and how. */
#ifndef NPU_SIM_FAULTS_H
#define NPU_SIM_FAULTS_H

#include "config.h"

struct fault {
  int error; /* 0: none */
  bool hangs;
};

/* Counts a call and says whether it is planned to fail. */
struct fault fault_for_call(const struct plan *plan, enum call_kind kind);
/* Whether the device has disappeared: once the call that the plan names was counted. */
bool device_is_gone(const struct plan *plan);
void faults_restart_counting(void);

#endif
