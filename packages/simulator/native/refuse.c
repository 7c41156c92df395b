#include "refuse.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "stats.h"

/* A program that is refused in a loop would fill a disk: after this many lines, only counts that are a
 * power of two are printed, each with the total, so that nothing is left out unsaid. */
enum { LINES_IN_FULL = 500, LINE_BYTES = 640 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last[LINE_BYTES];
static uint64_t refused;

int refuse(int error, const char *rule, const char *format, ...) {
  char line[LINE_BYTES];
  int used = snprintf(line, sizeof line, "%s: ", rule);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
  va_end(arguments);

  stats_add(&stats.refusals, 1);
  pthread_mutex_lock(&lock);
  memcpy(last, line, sizeof last);
  uint64_t count = ++refused;
  pthread_mutex_unlock(&lock);

  if (config_log_enabled()) {
    if (count <= LINES_IN_FULL) fprintf(stderr, "npu-sim: refused: %s\n", line);
    else if ((count & (count - 1)) == 0)
      fprintf(stderr, "npu-sim: refused: %s (refusal %llu; those since the last line printed are not shown)\n", line,
              (unsigned long long)count);
  }
  return -error;
}

void say(const char *format, ...) {
  if (!config_log_enabled()) return;
  char line[LINE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  fprintf(stderr, "npu-sim: %s\n", line);
}

void last_refusal(char *out, size_t size) {
  if (size == 0) return;
  pthread_mutex_lock(&lock);
  snprintf(out, size, "%s", last);
  pthread_mutex_unlock(&lock);
}

void clear_last_refusal(void) {
  pthread_mutex_lock(&lock);
  last[0] = 0;
  pthread_mutex_unlock(&lock);
}
