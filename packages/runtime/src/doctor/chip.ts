import { checkChip } from '../device/chip.js';
import { type Check, ok } from './check.js';

const COMPATIBLE = '/proc/device-tree/compatible';

/** Another chip is refused before anything is submitted to its NPU. */
export const chipCheck: Check = {
  id: 'chip',
  title: 'board',
  section: 'This machine',
  run: ({ kind, files }) => {
    if (kind === 'sim') return ok('any: the device is simulated');
    checkChip(files.path(COMPATIBLE));
    const compatible =
      files
        .text(COMPATIBLE)
        ?.split('\0')
        .filter(entry => entry !== '') ?? [];
    if (compatible.length === 0) return ok(`no device tree to tell the chip by (${process.arch})`);
    const model = files.line('/proc/device-tree/model') ?? compatible[0]!;
    return ok(`${model} (${compatible.at(-1)})`, { model, compatible });
  },
};
