import { shellQuoted } from './shell-quoted.js';

/** The device of a command that failed, as that command's options name it. */
export interface DoctorTarget {
  /** What was opened, or was to be: `auto` that fell back to the simulated device is `sim`. */
  readonly kind: 'auto' | 'rknpu' | 'sim';
  readonly path?: string | undefined;
  readonly ffi?: string | undefined;
  /** The .npu file. */
  readonly model: string;
}

/**
 * Ends the message of a device's error: where to go on looking.
 * @returns `to look into it: ` and the command that examines the same device
 */
export function doctorHint(
  { kind, path, ffi, model }: DoctorTarget,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const underNpuSim = (env['LD_PRELOAD'] ?? '').includes('libnpu_sim');
  const plan = kind === 'sim' || underNpuSim ? env['NPU_SIM'] : undefined;
  const words = [
    ...(plan === undefined || plan === '' ? [] : [`NPU_SIM=${shellQuoted(plan)}`]),
    ...(underNpuSim && kind !== 'sim' ? ['npu-sim'] : []),
    'npu-doctor',
    // A name that begins with a dash would be taken for an option.
    shellQuoted(model.startsWith('-') ? `./${model}` : model),
    ...(kind === 'sim' ? ['--device', 'sim'] : []),
    ...(path === undefined ? [] : ['--device-path', shellQuoted(path)]),
    ...(ffi === undefined ? [] : ['--ffi', shellQuoted(ffi)]),
  ];
  return `to look into it: ${words.join(' ')}`;
}
