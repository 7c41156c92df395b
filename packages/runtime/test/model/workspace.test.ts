import { describe, expect, test } from '@jest/globals';
import { headSize, kvDim, type ModelConfig } from '@npu-llama/format';
import { ModelLimitError } from '../../src/errors.js';
import { RopeTable } from '../../src/kernels/index.js';
import { Workspace, WorkspacePool } from '../../src/model/workspace.js';
import { thrownBy } from '../support/errors.js';
import { TINY } from '../support/models.js';
import { randomFloats } from '../support/random.js';

function contentsFor(config: ModelConfig, maxRows = 4) {
  const { dim, layerCount } = config;
  return {
    config,
    rmsAtt: randomFloats(layerCount * dim, 1),
    rmsFfn: randomFloats(layerCount * dim, 2),
    rmsFinal: randomFloats(dim, 3),
    rope: new RopeTable(headSize(config), config.seqLen),
    maxRows,
  };
}

describe('a workspace', () => {
  test('has what every session computes with, and its own keys and values, zero', () => {
    const contents = contentsFor(TINY);
    const workspace = new Workspace(contents);
    expect(workspace.rmsAtt).toEqual(contents.rmsAtt);
    expect(workspace.rmsFfn).toEqual(contents.rmsFfn);
    expect(workspace.rmsFinal).toEqual(contents.rmsFinal);
    expect(workspace.turns).toEqual(contents.rope.values);
    const { keys, values } = workspace.cache;
    const cached = TINY.layerCount * TINY.seqLen * kvDim(TINY);
    expect([keys.length, values.length]).toEqual([cached, cached]);
    expect([...keys, ...values].every(value => value === 0)).toBe(true);
  });

  test('is one memory for all of it', () => {
    const { cache, x, gate, turns } = new Workspace(contentsFor(TINY));
    const buffers = [cache.keys, cache.values, x, gate, turns].map(({ buffer }) => buffer);
    expect(new Set(buffers).size).toBe(1);
  });

  test('whose keys and values are beyond 4 GiB is refused before anything is computed', () => {
    const rope = {
      get values(): Float32Array {
        throw new Error('computed');
      },
    } as unknown as RopeTable;
    const config = { ...TINY, seqLen: 1 << 24 };
    const error = thrownBy(() => new Workspace({ ...contentsFor(config), rope }));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error).toMatchObject({ exitStatus: 2 });
    expect(error.message).toMatch(
      /^a session with 16777216 positions does not fit a WebAssembly memory: got \d+\.\d\d GiB for keys, values and activations, wanted at most 4 GiB; /,
    );
  });
});

test('a pool hands out what was given back, and makes new ones only where all are taken', () => {
  let made = 0;
  const contents = contentsFor(TINY);
  const pool = new WorkspacePool(() => {
    made++;
    return new Workspace(contents);
  });
  const [a, b] = [pool.take(), pool.take()];
  expect(a).not.toBe(b);
  pool.giveBack(a);
  expect(pool.take()).toBe(a);
  pool.giveBack(a);
  pool.giveBack(b);
  expect(new Set([pool.take(), pool.take()])).toEqual(new Set([a, b]));
  expect(made).toBe(2);
  pool.giveBack(a);
  pool.clear();
  expect(pool.take()).not.toBe(a);
});
