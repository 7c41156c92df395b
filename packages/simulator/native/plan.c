/* The text of a plan to its values: one table of items, one of calls and errors for faults. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refuse.h"

const struct plan plan_defaults = {
    .hardware = {.cores = 3, .driver_version = 908, .cma_bytes = 512u << 20, .window_bytes = 3840ull << 20, .iommu = false},
    .nodes = {"/dev/dri/card1"},
    .node_count = 1,
    .log = true,
    .poison_bytes = 64u << 20,
};

static bool parse_number(const char *text, uint64_t maximum, uint64_t *out) {
  if (*text < '0' || *text > '9') return false;
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 0);
  if (errno || *end || value > maximum) return false;
  *out = value;
  return true;
}

/* 512M, 64K, 4G, or plain bytes. */
static bool parse_size(const char *text, uint64_t *out) {
  char digits[24];
  size_t length = strlen(text);
  if (length == 0 || length >= sizeof digits) return false;
  memcpy(digits, text, length + 1);
  unsigned shift = 0;
  char unit = digits[length - 1];
  if (unit == 'K') shift = 10;
  if (unit == 'M') shift = 20;
  if (unit == 'G') shift = 30;
  if (shift) digits[length - 1] = 0;
  uint64_t count;
  if (!parse_number(digits, UINT64_MAX >> shift, &count)) return false;
  *out = count << shift;
  return true;
}

static bool set_cores(struct plan *plan, const char *value) {
  uint64_t cores;
  if (!parse_number(value, MAX_CORES, &cores) || cores == 0) return false;
  plan->hardware.cores = (unsigned)cores;
  return true;
}

static bool set_cma(struct plan *plan, const char *value) { return parse_size(value, &plan->hardware.cma_bytes); }

static bool set_window(struct plan *plan, const char *value) {
  uint64_t size;
  if (!parse_size(value, &size) || size == 0 || size > plan_defaults.hardware.window_bytes) return false;
  plan->hardware.window_bytes = size;
  return true;
}

static bool set_driver(struct plan *plan, const char *value) {
  unsigned major, minor, patch;
  char rest;
  if (sscanf(value, "%u.%u.%u%c", &major, &minor, &patch, &rest) != 3) return false;
  if (major > 99 || minor > 99 || patch > 99) return false;
  plan->hardware.driver_version = major * 10000 + minor * 100 + patch;
  return true;
}

static bool set_iommu(struct plan *plan, const char *value) {
  uint64_t enabled;
  if (!parse_number(value, 1, &enabled)) return false;
  plan->hardware.iommu = enabled == 1;
  return true;
}

/* The first node item replaces the default path, further ones add to it. */
static bool set_node(struct plan *plan, const char *value) {
  if (value[0] != '/' || strlen(value) >= NODE_PATH_BYTES) return false;
  if (plan->node_count == 1 && strcmp(plan->nodes[0], plan_defaults.nodes[0]) == 0) plan->node_count = 0;
  if (plan->node_count == MAX_NODES) return false;
  snprintf(plan->nodes[plan->node_count++], NODE_PATH_BYTES, "%s", value);
  return true;
}

static bool set_shared(struct plan *plan, const char *value) {
  if (value[0] != '/' || strlen(value) >= SHARED_PATH_BYTES) return false;
  memset(plan->shared, 0, sizeof plan->shared);
  memcpy(plan->shared, value, strlen(value));
  return true;
}

static bool set_log(struct plan *plan, const char *value) {
  uint64_t enabled;
  if (!parse_number(value, 1, &enabled)) return false;
  plan->log = enabled == 1;
  return true;
}

static bool set_threads(struct plan *plan, const char *value) {
  uint64_t threads;
  if (!parse_number(value, MAX_CORES, &threads)) return false;
  plan->threads = (unsigned)threads;
  return true;
}

static bool set_poison(struct plan *plan, const char *value) { return parse_size(value, &plan->poison_bytes); }

static bool set_engine(struct plan *plan, const char *value) { return engine_by_name(value, &plan->engine); }

static bool set_short_heights(struct plan *plan, const char *value) {
  (void)value;
  plan->short_heights = true;
  return true;
}

static bool add_core(uint32_t *mask, const char *value) {
  uint64_t core;
  if (!parse_number(value, MAX_CORES - 1, &core)) return false;
  *mask |= 1u << core;
  return true;
}
static bool add_dead_core(struct plan *plan, const char *value) { return add_core(&plan->dead_cores, value); }
static bool add_zero_core(struct plan *plan, const char *value) { return add_core(&plan->zero_cores, value); }
static bool add_stale_core(struct plan *plan, const char *value) { return add_core(&plan->stale_cores, value); }

static bool add_stuck_bit(struct plan *plan, const char *value) {
  char offset_text[24];
  const char *colon = strchr(value, ':');
  if (!colon || (size_t)(colon - value) >= sizeof offset_text || plan->stuck_bit_count == MAX_STUCK_BITS) return false;
  memcpy(offset_text, value, (size_t)(colon - value));
  offset_text[colon - value] = 0;
  uint64_t offset, bit;
  if (!parse_number(offset_text, UINT32_MAX, &offset) || !parse_number(colon + 1, 7, &bit)) return false;
  plan->stuck_bits[plan->stuck_bit_count++] = (struct stuck_bit){offset, (unsigned)bit};
  return true;
}

static const struct {
  const char *name;
  bool takes_value;
  bool (*set)(struct plan *plan, const char *value);
  const char *wanted;
} items[] = {
    {"cores", true, set_cores, "1 to 3"},
    {"cma", true, set_cma, "a size such as 512M"},
    {"window", true, set_window, "a size up to 3840M"},
    {"driver", true, set_driver, "a version such as 0.9.8"},
    {"iommu", true, set_iommu, "0 or 1"},
    {"node", true, set_node, "an absolute path of at most 107 bytes, at most 4 of them"},
    {"shared", true, set_shared, "the absolute path, of at most 199 bytes, of a file that the processes of one device name"},
    {"log", true, set_log, "0 or 1"},
    {"threads", true, set_threads, "0 to 3"},
    {"engine", true, set_engine, "auto, or one that this machine has of portable, avx2, avx512, neon"},
    {"poison", true, set_poison, "a size such as 64M; 0: none"},
    {"short-heights", false, set_short_heights, "no value"},
    {"dead-core", true, add_dead_core, "0 to 2"},
    {"zero-core", true, add_zero_core, "0 to 2"},
    {"stale-core", true, add_stale_core, "0 to 2"},
    {"stuck-bit", true, add_stuck_bit, "BYTE_OFFSET:BIT with a bit of 0 to 7, at most 8 of them"},
};

static const struct {
  const char *name;
  enum call_kind kind;
} calls[] = {
    {"open", CALL_OPEN},   {"version", CALL_VERSION}, {"action", CALL_ACTION}, {"submit", CALL_SUBMIT},
    {"alloc", CALL_ALLOC}, {"map", CALL_MAP},         {"mmap", CALL_MMAP},     {"destroy", CALL_DESTROY},
    {"sync", CALL_SYNC},   {"munmap", CALL_MUNMAP},   {"close", CALL_CLOSE},
};

static const struct {
  const char *name;
  int error;
} errors[] = {
    {"EPERM", EPERM},   {"EINTR", EINTR},   {"EIO", EIO},         {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM},
    {"EACCES", EACCES}, {"EFAULT", EFAULT}, {"EBUSY", EBUSY},     {"ENODEV", ENODEV}, {"EINVAL", EINVAL},
    {"EMFILE", EMFILE}, {"ENOSPC", ENOSPC}, {"ETIMEDOUT", ETIMEDOUT},
};

static int bad_item(const char *item, const char *wanted) {
  /* Whatever the plan says of log: whoever gave it has to know. */
  fprintf(stderr, "npu-sim: bad plan item \"%s\": wanted %s\n", item, wanted);
  return -EINVAL;
}

/* 7, 7-9, or 7- for every call from the seventh on. */
static bool parse_calls(char *text, uint64_t *first, uint64_t *last) {
  char *dash = strchr(text, '-');
  if (dash) *dash = 0;
  if (!parse_number(text, UINT64_MAX, first) || *first == 0) return false;
  if (!dash) *last = *first;
  else if (dash[1] == 0) *last = UINT64_MAX;
  else if (!parse_number(dash + 1, UINT64_MAX, last)) return false;
  return *last >= *first;
}

/* kind@calls=ERRNO, submit@calls=timeout, kind@call=gone, gone@submit */
static int parse_fault(const char *item, struct plan *plan) {
  char name[16], number[48];
  const char *at = strchr(item, '@'), *equals = strchr(item, '=');
  const char *end = equals ? equals : item + strlen(item);
  if ((size_t)(at - item) >= sizeof name || end <= at || (size_t)(end - at - 1) >= sizeof number)
    return bad_item(item, "CALL@NUMBER=ERRNO");
  memcpy(name, item, (size_t)(at - item));
  name[at - item] = 0;
  memcpy(number, at + 1, (size_t)(end - at - 1));
  number[end - at - 1] = 0;

  uint64_t first, last;
  if (!parse_calls(number, &first, &last)) return bad_item(item, "a call number from 1 up after @, or a range such as 3-5 or 3-");
  if (strcmp(name, "gone") == 0) {
    if (equals || last != first) return bad_item(item, "gone@NUMBER without a range or a value");
    plan->gone_at[CALL_SUBMIT] = first;
    return 0;
  }
  if (!equals) return bad_item(item, "CALL@NUMBER=ERRNO");
  if (plan->fault_count == MAX_FAULTS) return bad_item(item, "at most 64 planned faults");
  for (unsigned k = 0; k < sizeof calls / sizeof *calls; k++) {
    if (strcmp(name, calls[k].name) != 0) continue;
    if (strcmp(equals + 1, "gone") == 0) {
      if (last != first) return bad_item(item, "one call at which the device is gone, not a range");
      plan->gone_at[calls[k].kind] = first;
      return 0;
    }
    struct planned_fault fault = {calls[k].kind, first, last, 0, false};
    if (strcmp(equals + 1, "timeout") == 0 && fault.kind == CALL_SUBMIT) {
      fault.error = ETIMEDOUT;
      fault.hangs = true;
    }
    for (unsigned e = 0; e < sizeof errors / sizeof *errors; e++)
      if (strcmp(equals + 1, errors[e].name) == 0) fault.error = errors[e].error;
    if (!fault.error) return bad_item(item, "an errno such as ENOMEM, EFAULT or EINTR after =, or gone, or timeout for a submit");
    plan->faults[plan->fault_count++] = fault;
    return 0;
  }
  return bad_item(item, "one of open, version, action, submit, alloc, map, mmap, destroy, sync, munmap, close, gone before @");
}

static int parse_item(const char *item, struct plan *plan) {
  if (strchr(item, '@') && (!strchr(item, '=') || strchr(item, '@') < strchr(item, '='))) return parse_fault(item, plan);
  const char *equals = strchr(item, '=');
  size_t length = equals ? (size_t)(equals - item) : strlen(item);
  for (unsigned i = 0; i < sizeof items / sizeof *items; i++) {
    if (strlen(items[i].name) != length || memcmp(items[i].name, item, length) != 0) continue;
    if (items[i].takes_value != (equals != NULL) || !items[i].set(plan, equals ? equals + 1 : ""))
      return bad_item(item, items[i].wanted);
    return 0;
  }
  return bad_item(item, "one of the items in the simulator's README");
}

int plan_parse(const char *text, struct plan *out) {
  struct plan plan = plan_defaults;
  while (text && *text) {
    char item[256];
    size_t length = strcspn(text, ",");
    if (length >= sizeof item) return bad_item(text, "items of at most 255 bytes");
    memcpy(item, text, length);
    item[length] = 0;
    if (length > 0) {
      int status = parse_item(item, &plan);
      if (status < 0) return status;
    }
    text += length;
    if (*text == ',') text++;
  }
  *out = plan;
  return 0;
}
