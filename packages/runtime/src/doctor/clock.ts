import { Action } from '../driver/vendor/uapi.js';
import { type Check, ok, skipped, warning } from './check.js';
import type { HostFiles } from './host-files.js';
import { readAction } from './open.js';

/** sysfs of the clock's scaling, where the kernel has it: /sys/class/devfreq/fdab0000.npu. */
interface Devfreq {
  readonly folder: string;
  readonly governor: string | undefined;
  readonly currentHz: number | undefined;
  readonly maxHz: number | undefined;
  /** The fastest step there is, whatever max_freq is set to. */
  readonly fastestHz: number | undefined;
}

const CLASS = '/sys/class/devfreq';

function readDevfreq(files: HostFiles): Devfreq | undefined {
  const name = files.list(CLASS).find(entry => entry.includes('npu'));
  if (name === undefined) return undefined;
  const folder = `${CLASS}/${name}`;
  const hertz = (file: string): number | undefined => {
    const value = Number(files.line(`${folder}/${file}`) ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  const steps = (files.line(`${folder}/available_frequencies`) ?? '').split(/\s+/).map(Number);
  const fastest = Math.max(...steps);
  return {
    folder,
    governor: files.line(`${folder}/governor`),
    currentHz: hertz('cur_freq'),
    maxHz: hertz('max_freq'),
    fastestHz: fastest > 0 ? fastest : undefined,
  };
}

const megahertz = (hz: number): string => `${Math.round(hz / 1e6)} MHz`;

/** The NPU's clock just behind work, as the driver tells it and as sysfs does. */
export const clockCheck: Check = {
  id: 'clock',
  title: 'clock',
  section: 'NPU',
  needs: ['open'],
  run: ({ opened: { kernel, fd }, files, simulated }) => {
    const driverHz = readAction(kernel, fd, Action.frequency);
    if (simulated)
      return ok(`${megahertz(driverHz)}, which the simulated device says and does not have`, { driverHz });
    const devfreq = readDevfreq(files);
    const currentHz = devfreq?.currentHz ?? (driverHz === 0 ? undefined : driverHz);
    if (currentHz === undefined) return skipped('neither the driver nor sysfs says');
    const limitHz = devfreq?.fastestHz ?? devfreq?.maxHz;
    const of = limitHz === undefined ? '' : ` of ${megahertz(limitHz)}`;
    const governor = devfreq?.governor === undefined ? '' : `, governor ${devfreq.governor}`;
    const detail = `${megahertz(currentHz)}${of}${governor}`;
    const values = { driverHz, ...devfreq };
    if (devfreq === undefined || limitHz === undefined || currentHz >= limitHz) return ok(detail, values);
    const capped = devfreq.maxHz !== undefined && devfreq.maxHz < limitHz;
    return warning(
      detail,
      capped
        ? `max_freq is ${megahertz(devfreq.maxHz ?? 0)}: heat, or a setting; echo ${limitHz} | sudo tee ${devfreq.folder}/max_freq`
        : `echo performance | sudo tee ${devfreq.folder}/governor`,
      values,
    );
  },
};
