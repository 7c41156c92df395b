#ifndef NPU_SIM_IOCTL_H
#define NPU_SIM_IOCTL_H

/* 0 or -errno. fd must be one of device_file()'s. */
int device_ioctl(int fd, unsigned long request, void *argument);

#endif
