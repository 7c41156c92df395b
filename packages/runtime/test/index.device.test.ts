import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeDevice } from '@npu-llama/fixtures';
import * as runtime from '../src/index.js';
import { type ModelFiles, randomModel, TINY } from './support/models.js';
import { leftBehind, NOTHING, simulate } from './support/simulator.js';
import { TemporaryFolder } from './support/temporary-folder.js';

describeDevice('the package', () => {
  const folder = new TemporaryFolder();
  let files: ModelFiles;
  beforeAll(async () => {
    files = await randomModel(folder, 'model', { config: TINY });
  });
  afterAll(() => folder[Symbol.dispose]());

  test("runs the README's example with nothing but its exports, and leaves nothing behind", async () => {
    simulate();
    let text = '';
    {
      const { generate, loadModel, openDevice, Sampler } = runtime;
      await using device = await openDevice({ kind: 'sim' });
      await using model = await loadModel(device, files.model);
      await using session = model.createSession();
      const options = {
        tokenizer: model.tokenizer!,
        sampler: new Sampler({ seed: 42 }),
        prompt: 'a',
        steps: 20,
      };
      for await (const piece of generate(session, options)) text += piece.text;
    }
    expect(text).not.toBe('');
    expect(leftBehind()).toEqual(NOTHING);
  });

  test('exports what it says, no more', () => {
    expect(Object.keys(runtime).sort()).toEqual([
      'DEVICE_KINDS',
      'DeviceError',
      'FFI_NAMES',
      'ModelLimitError',
      'NumericError',
      'PROGRAM_WORDS',
      'Sampler',
      'Tokenizer',
      'argmax',
      'disassemble',
      'emitProgram',
      'generate',
      'loadModel',
      'openDevice',
      'planMemory',
    ]);
  });
});
