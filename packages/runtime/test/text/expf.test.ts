import { afterAll, describe, expect, test } from '@jest/globals';
import { SamplerKernels } from '../../src/text/sampler-kernels.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { bytesOf, compileC } from './support/compile-c.js';
import { expf } from './support/expf.js';

const folder = new TemporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const cExpf = compileC('expf', folder.path);

/** Every `stride`th float from -0 down to -110. */
function floatsDownFromZero(stride: number): Float32Array {
  const [lowest] = new Uint32Array(Float32Array.of(-110).buffer);
  const zero = 0x80000000;
  const count = Math.floor((lowest! - zero) / stride) + 1;
  const bits = Uint32Array.from({ length: count }, (_, i) => zero + i * stride);
  return new Float32Array(bits.buffer);
}

describe('expf, plain and of the kernels', () => {
  test("has libc's bits for floats from 0 to where it underflows", () => {
    const x = floatsDownFromZero(1009);
    const output = cExpf(bytesOf(x));
    const kernels = new SamplerKernels(x.length);
    kernels.load(x);
    kernels.exponentials(1, 0);
    const ofKernels = kernels.values;
    const wrong: string[] = [];
    let neighbours = 0;
    x.forEach((value, i) => {
      const wanted = output.readFloatLE(i * 4);
      if (expf(value) !== wanted) wrong.push(`e^${value}: got ${expf(value)}, wanted ${wanted}`);
      if (ofKernels[i] !== wanted)
        wrong.push(`e^${value}: the kernels give ${ofKernels[i]}, wanted ${wanted}`);
      if (Math.fround(Math.exp(value)) !== wanted) neighbours++;
    });
    expect(wrong).toEqual([]);
    expect(x.length).toBeGreaterThan(1_000_000);
    // Why Math.exp would not do.
    expect(neighbours).toBeGreaterThan(0);
  });

  test('is exact at the ends', () => {
    expect([expf(0), expf(-0), expf(-1e30), expf(Number.NEGATIVE_INFINITY)]).toEqual([1, 1, 0, 0]);
  });
});
