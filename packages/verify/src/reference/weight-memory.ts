import { KernelMemory } from './kernel-memory.js';

/** Weights of one memory: well below the 4 GiB that WebAssembly can address, so that large models take several. */
const MEMORY_FLOATS = 2 ** 29;

/**
 * Room for arrays that the kernels reach without copying: views into as few WebAssembly memories as hold them, in order. One
 * that is too large for any becomes an array of JavaScript's.
 * @param lengths of the arrays, in floats
 * @throws RangeError when there is not enough memory
 */
export function allocateWeights(lengths: readonly number[], memoryFloats = MEMORY_FLOATS): Float32Array[] {
  const arrays: Float32Array[] = [];
  let memory: KernelMemory | undefined;
  let room = 0;
  lengths.forEach((length, i) => {
    const floats = KernelMemory.floatsFor(length);
    if (floats > memoryFloats) {
      arrays.push(new Float32Array(length));
      return;
    }
    if (memory === undefined || room < floats) {
      room = floatsThatFit(lengths.slice(i), memoryFloats);
      memory = new KernelMemory(room);
    }
    room -= floats;
    arrays.push(memory.allocate(length));
  });
  return arrays;
}

/** What the arrays take that one memory holds, from the first on. */
function floatsThatFit(lengths: readonly number[], memoryFloats: number): number {
  let floats = 0;
  for (const length of lengths) {
    const more = KernelMemory.floatsFor(length);
    if (more > memoryFloats) continue;
    if (floats + more > memoryFloats) break;
    floats += more;
  }
  return floats;
}
