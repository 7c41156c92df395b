import { CpuKernels, KernelMemory } from '../../src/kernels/index.js';

const SCRATCH = { features: 1 << 14, results: 1 << 14, scores: 1 << 12 };

/** Arrays that hold these values, in a memory of their own with its kernels. */
export function kernelArrays<Name extends string>(
  values: Readonly<Record<Name, Float32Array>>,
): { readonly kernels: CpuKernels; readonly arrays: Readonly<Record<Name, Float32Array>> } {
  const names = Object.keys(values) as Name[];
  const sizes = Object.fromEntries(names.map(name => [name, values[name].length])) as Record<Name, number>;
  const memory = new KernelMemory({ ...SCRATCH, ...sizes }, 'a test');
  const arrays = memory.arrays as Readonly<Record<Name, Float32Array>>;
  for (const name of names) arrays[name].set(values[name]);
  return { kernels: new CpuKernels(memory), arrays };
}
