/* Refusals: one line on stderr that says which rule, which register or argument, and which values. */
#ifndef NPU_SIM_REFUSE_H
#define NPU_SIM_REFUSE_H

#include <stddef.h>

/* Records and prints `npu-sim: refused: <rule>: <text>` and returns -error. */
int refuse(int error, const char *rule, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints a line that is no refusal of a rule: an injected fault, a bad plan. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Copies the last refusal, without "npu-sim: refused: "; empty when there was none. */
void last_refusal(char *out, size_t size);
void clear_last_refusal(void);

#endif
