/* What silicon does in no order that a program could rely on: a result over what another core of the job uses, or
 * over what the job is made of. */
#ifndef NPU_SIM_OVERLAP_H
#define NPU_SIM_OVERLAP_H

#include "chain.h"

/* 0 or -errno, for planned shares. */
int check_overlaps(const struct share *shares, unsigned count);

#endif
