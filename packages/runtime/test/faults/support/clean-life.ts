import { afterAll, beforeAll } from '@jest/globals';
import { randomModel } from '../../support/models.js';
import { simulate } from '../../support/simulator.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';
import { type Life, live, ONE_LAYER } from './life.js';

/** For a `describe`: the path of a small model, and its life without a fault. They are there when tests run. */
export function cleanLife(): { readonly model: string; readonly clean: Life } {
  const folder = new TemporaryFolder();
  const made = {} as { model: string; clean: Life };
  beforeAll(async () => {
    simulate();
    const { model } = await randomModel(folder, 'model', { config: ONE_LAYER });
    Object.assign(made, { model, clean: await live(model) });
  });
  afterAll(() => {
    simulate();
    folder[Symbol.dispose]();
  });
  return made;
}
