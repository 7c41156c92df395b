#include "action.h"

#include <errno.h>
#include <string.h>

#include "cores.h"
#include "refuse.h"
#include "submit.h"

enum {
  INVENTED_HW_VERSION = 0x46495245, /* no source gives the real one: four letters that nothing should depend on */
  FREQUENCY_HZ = 1000000000,
};

static uint32_t traffic_value(uint32_t action) {
  struct traffic traffic = traffic_read();
  switch (action) {
    case ACTION_WRITTEN_BYTES: return (uint32_t)traffic.written;
    case ACTION_FEATURE_BYTES: return (uint32_t)traffic.features;
    case ACTION_WEIGHT_BYTES: return (uint32_t)traffic.weights;
    default: return (uint32_t)(traffic.written + traffic.features + traffic.weights);
  }
}

int device_action(const struct open_file *file, struct uapi_action *arguments) {
  switch (arguments->action) {
    case ACTION_HW_VERSION: arguments->value = INVENTED_HW_VERSION; return 0;
    case ACTION_DRIVER_VERSION: arguments->value = file->hardware.driver_version; return 0;
    case ACTION_GET_FREQUENCY: arguments->value = FREQUENCY_HZ; return 0;
    case ACTION_RESET: return cores_reset();
    case ACTION_CLEAR_TRAFFIC: traffic_clear(); return 0;
    case ACTION_WRITTEN_BYTES:
    case ACTION_FEATURE_BYTES:
    case ACTION_WEIGHT_BYTES:
    case ACTION_TOTAL_BYTES: arguments->value = traffic_value(arguments->action); return 0;
    case ACTION_IOMMU_ENABLED: arguments->value = file->hardware.iommu; return 0;
    case ACTION_POWER_ON:
    case ACTION_POWER_OFF: return 0; /* the driver powers the NPU for every call anyway */
    case ACTION_SRAM_TOTAL:
    case ACTION_SRAM_FREE: arguments->value = 0; return 0;
    case ACTION_GET_DOMAIN: arguments->value = 0; return 0;
    case ACTION_SET_DOMAIN:
      if (arguments->value == 0) return 0;
      return refuse(EINVAL, "domain", "ACTION 25 with domain %u, expected 0: a job names its domain in SUBMIT", arguments->value);
    default: return refuse(EINVAL, "action", "ACTION %u is not modelled", arguments->action);
  }
}

/* libdrm calls twice: first for the lengths, then with room for the strings. */
static void give_string(uint64_t *length, uint64_t pointer, const char *text) {
  uint64_t size = strlen(text), room = *length;
  if (pointer && room) memcpy((void *)(uintptr_t)pointer, text, room < size ? room : size);
  *length = size;
}

int device_version(const struct open_file *file, struct uapi_version *arguments) {
  uint32_t version = file->hardware.driver_version;
  arguments->major = (int32_t)(version / 10000);
  arguments->minor = (int32_t)(version / 100 % 100);
  arguments->patch = (int32_t)(version % 100);
  give_string(&arguments->name_len, arguments->name, "rknpu");
  give_string(&arguments->date_len, arguments->date, "20240828");
  give_string(&arguments->desc_len, arguments->desc, "RKNPU driver");
  return 0;
}
