import { Transformer } from '@npu-llama/runtime/testing';
import type { Fault } from '../support/fault.js';
import { replaceMethod } from '../support/patches.js';
import { simulate } from '../support/simulator.js';

/** Files that do not belong together, and faults found with a golden record, where no checkpoint is at hand. */
export const recordFaults: readonly Fault[] = [
  {
    name: 'a file that was made of another checkpoint',
    put: 'the same shape, other weights',
    model: 'padded',
    against: 'other',
    expected: { status: 2, by: ['identity'], says: /was not made from this/ },
  },
  {
    name: 'a golden record of another model',
    put: 'the same shape, other weights',
    command: 'check',
    model: 'padded',
    against: 'other',
    expected: { status: 2, by: ['identity'], says: /record/ },
  },
  {
    name: 'a file cut short',
    put: 'the last 4096 bytes missing',
    cut: 4096,
    expected: { status: 2, by: ['file check'], says: /bytes/ },
  },
  {
    name: 'a core that returns zeros, against a golden record',
    put: 'core 0, once the start-up check is over',
    command: 'check',
    arm: () => simulate('zero-core=0'),
    expected: { status: 1, by: ['logits'], place: 'layers.0.wq', common: 'core 0', says: /never computed/ },
  },
  {
    name: 'the sign of a weight in memory, against a golden record',
    put: 'layers.3.w2 row 60, column 17',
    command: 'check',
    arm: board => board.weights('layers.3.w2').flip(60, 17, 15),
    expected: { status: 1, by: ['audit'], place: 'layers.3.w2', common: 'the sign', says: /memory/ },
  },
  {
    name: 'weights of another checkpoint in the file, against a golden record',
    put: 'layers.0.wo is layers.1.wo, in the file',
    command: 'check',
    file: file => file.tiles('layers.0.wo').data.set(file.tiles('layers.1.wo').data),
    expected: { status: 1, by: ['logits'], place: 'layers.0.wo' },
  },
  {
    name: 'the first token fed twice, against a golden record',
    put: 'position 1 gets the token of position 0',
    command: 'check',
    patch: () => {
      const right = Transformer.prototype.run;
      replaceMethod(Transformer.prototype, 'run', function (this: Transformer, pass) {
        const tokens = pass.tokens.map((token, i) => (pass.firstPosition + i === 1 ? 1 : token));
        right.call(this, { ...pass, tokens });
      });
    },
    expected: { status: 1, by: ['logits'], place: 'layers.0 attention norm', says: /embedding/ },
  },
];
