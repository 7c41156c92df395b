import { Sampler } from '@npu-llama/runtime';
import { type Pass, Transformer } from '@npu-llama/runtime/testing';
import type { Fault } from '../support/fault.js';
import { replaceMethod } from '../support/patches.js';

/** Tokens of the prompt: the first that runs alone has this position. */
const PROMPT = 7;
/** kvDim of the fixture, and elements of a layer's keys. */
const KV = 48;
const LAYER = 256 * KV;

/** Does something else instead of a pass. */
function inPlaceOfPass(body: (pass: Pass, run: (pass: Pass) => void) => void): () => void {
  return () => {
    const right = Transformer.prototype.run;
    replaceMethod(Transformer.prototype, 'run', function (this: Transformer, pass) {
      body(pass, changed => right.call(this, changed));
    });
  };
}

/** Positions that a pass leaves behind. */
const end = ({ firstPosition, tokens }: Pass): number => firstPosition + tokens.length;

/** Wrong keys and values, tokens, logits and draws. */
export const sessionFaults: readonly Fault[] = [
  {
    name: 'a KV slot overwritten',
    put: 'the key of position 3 in layer 1 zero, behind the prompt',
    patch: inPlaceOfPass((pass, run) => {
      run(pass);
      if (end(pass) === PROMPT) pass.workspace.cache.keys.fill(0, LAYER + 3 * KV, LAYER + 4 * KV);
    }),
    expected: { status: 1, by: ['audit'], place: 'layers.1 keys and values', says: /KV cache/ },
  },
  {
    name: 'a value written to the next slot',
    put: 'position 2 in layer 2',
    patch: inPlaceOfPass((pass, run) => {
      run(pass);
      const { values } = pass.workspace.cache;
      if (pass.firstPosition === 0)
        values.copyWithin(2 * LAYER + 3 * KV, 2 * LAYER + 2 * KV, 2 * LAYER + 3 * KV);
    }),
    expected: { status: 1, by: ['audit'], place: 'layers.2 keys and values', says: /KV cache/ },
  },
  {
    name: 'keys of the position before',
    put: 'layer 3, slots 1 to 4, behind the prompt',
    patch: inPlaceOfPass((pass, run) => {
      run(pass);
      const { keys } = pass.workspace.cache;
      if (end(pass) === PROMPT) keys.copyWithin(3 * LAYER + KV, 3 * LAYER, 3 * LAYER + 4 * KV);
    }),
    expected: { status: 1, by: ['audit'], place: 'layers.3 keys and values', says: /KV cache/ },
  },
  {
    name: "another layer's cache",
    put: 'the values of layer 0 over those of layer 1, behind the prompt',
    patch: inPlaceOfPass((pass, run) => {
      run(pass);
      if (end(pass) === PROMPT) pass.workspace.cache.values.copyWithin(LAYER, 0, PROMPT * KV);
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.1 keys and values', says: /KV cache/ },
  },
  {
    name: "another session's cache",
    put: 'the token after the prompt sees the keys and values of another text',
    patch: inPlaceOfPass((pass, run) => {
      if (pass.firstPosition !== PROMPT) return run(pass);
      const { keys, values } = pass.workspace.cache;
      const own = { keys: keys.slice(), values: values.slice() };
      run({
        ...pass,
        tokens: [300, 301, 302, 303, 304, 305, 306],
        firstPosition: 0,
        logits: undefined,
        watch: undefined,
      });
      run(pass);
      keys.set(own.keys);
      values.set(own.values);
    }),
    expected: { status: 1, by: ['audit'], place: 'layers.0 keys and values', says: /KV cache/ },
  },
  {
    name: 'the embedding of another token',
    put: 'the token after the prompt',
    patch: inPlaceOfPass((pass, run) =>
      run(pass.firstPosition === PROMPT ? { ...pass, tokens: pass.tokens.map(token => token + 1) } : pass),
    ),
    expected: { status: 1, by: ['audit', 'logits'], place: 'layers.0 attention norm', says: /embedding/ },
  },
  {
    name: 'logits of the position before',
    put: 'every position alone',
    patch: () => {
      let before: Float32Array | undefined;
      inPlaceOfPass((pass, run) => {
        run(pass);
        const { logits, tokens } = pass;
        if (logits === undefined) return;
        const at = logits.at + (tokens.length - 1) * 512;
        const now = logits.into.slice(at, at + 512);
        if (before !== undefined && tokens.length === 1) logits.into.set(before, at);
        before = now;
      })();
    },
    expected: { status: 1, by: ['audit', 'logits'], place: 'logits', says: /logits/ },
  },
  {
    name: 'logits shifted by one token',
    put: 'every position',
    patch: inPlaceOfPass((pass, run) => {
      run(pass);
      pass.logits?.into.copyWithin(pass.logits.at + 1, pass.logits.at, pass.logits.at + 511);
    }),
    expected: { status: 1, by: ['audit', 'logits'], place: 'logits', says: /logits/ },
  },
  {
    name: "two rows of a batch's logits exchanged",
    put: 'positions 2 and 3 of the prompt',
    patch: inPlaceOfPass((pass, run) => {
      run(pass);
      if (pass.logits === undefined || pass.firstPosition !== 0) return;
      const { into } = pass.logits;
      const kept = into.slice(2 * 512, 3 * 512);
      into.copyWithin(2 * 512, 3 * 512, 4 * 512);
      into.set(kept, 3 * 512);
    }),
    expected: { status: 1, by: ['logits'], place: 'logits', says: /rows of logits/ },
  },
  {
    name: 'a sampler that never draws the likeliest',
    put: 'free mode, temperature 1',
    options: ['--mode', 'free', '-t', '1', '-s', '5'],
    patch: () => {
      replaceMethod(Sampler.prototype, 'sample', logits => {
        const best = logits.indexOf(Math.max(...logits));
        return logits.reduce(
          (second, logit, i) => (i !== best && logit > logits[second]! ? i : second),
          best === 0 ? 1 : 0,
        );
      });
    },
    expected: { status: 1, by: ['sampler'] },
  },
];
