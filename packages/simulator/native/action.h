/* ACTION and DRM_IOCTL_VERSION: what the device says about itself, and reset. */
#ifndef NPU_SIM_ACTION_H
#define NPU_SIM_ACTION_H

#include "device.h"
#include "uapi.h"

int device_action(const struct open_file *file, struct uapi_action *arguments);
int device_version(const struct open_file *file, struct uapi_version *arguments);

#endif
