import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { writeRandomCheckpoint } from '@npu-llama/fixtures';
import { ReferenceSession } from '../../src/reference/index.js';
import { relativeError, TemporaryFolder, TINY, weightsOf } from '../support/models.js';

const source = fileURLToPath(new URL('../../../test/support/llama2.c', import.meta.url));
const cc = process.env['CC'] || 'cc';
const compiler = spawnSync(cc, ['--version']).status === 0;
const TOKENS = [1, 17, 300, 17, 42, 0, 255, 9, 9, 100, 101, 102, 103, 104, 105, 106];

/** expf, powf, cosf and sinf of the C library may differ from ours in the last bit; nothing else may. */
const LAST_BITS = 1e-6;

(compiler ? test : test.skip)(
  'computes what C computes in float (skipped without a C compiler)',
  async () => {
    using folder = new TemporaryFolder();
    const program = folder.file('llama2');
    execFileSync(cc, ['-O2', '-ffp-contract=off', '-o', program, source, '-lm']);
    for (const [sharedClassifier, seed] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const checkpoint = folder.file(`${seed}.bin`);
      writeRandomCheckpoint(checkpoint, { config: TINY, sharedClassifier, seed });
      const output = execFileSync(program, [checkpoint, ...TOKENS.map(String)]);
      const wanted = new Float32Array(output.buffer, output.byteOffset, output.length / 4);
      const session = new ReferenceSession(await weightsOf(checkpoint), TOKENS.length);
      const got = await session.forward(TOKENS, 0);
      expect(got).toHaveLength(wanted.length);
      expect(relativeError(got, wanted)).toBeLessThan(LAST_BITS);
    }
  },
);
