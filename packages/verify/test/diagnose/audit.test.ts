import { beforeAll, describe, expect, test } from '@jest/globals';
import { auditRuns, type ModelWeights, Recorder } from '../../src/diagnose/index.js';
import { FakeDevice } from './support/fake-device.js';
import type { StepFaults } from './support/fake-session.js';
import { auditSession, CONFIG, smallModel, summary, TOKENS } from './support/session.js';

let weights: ModelWeights;
beforeAll(async () => {
  weights = await smallModel();
});

/** What an audit says of a session with one fault on the CPU, without the positions. */
async function steps(faults: StepFaults): Promise<string[]> {
  const { audit } = await auditSession(weights, { steps: faults });
  return summary(audit.findings).map(line => line.replace(/; (every )?positions? .*/, ''));
}

/** x / sqrt(mean(x^2) + 1e-5) */
function bare(x: Float32Array): Float32Array {
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map(value => value / Math.sqrt(mean + 1e-5));
}

describe('an audit of a session', () => {
  test('finds nothing where nothing is wrong, and counts every matrix of the checkpoint', async () => {
    const { audit } = await auditSession(weights);
    expect(audit.findings).toEqual([]);
    expect(audit.positions.size).toBe(0);
    expect(audit.audited).toEqual([0, 2, 6, 7]);
    const reports = audit.tally.reports();
    expect(reports.map(({ name }) => name)).toEqual([
      ...[0, 1].flatMap(l => ['wq', 'wk', 'wv', 'wo', 'w1', 'w3', 'w2'].map(kind => `layers.${l}.${kind}`)),
      'classifier',
    ]);
    for (const report of reports) expect(report).toMatchObject({ verdict: 'pass', rows: 4, wrong: 0 });
  });

  test('finds each fault where it is made, and nothing behind it', async () => {
    const { audit } = await auditSession(weights, {
      jobFault: ({ matrix }) => (matrix === 'layers.0.w2' ? { output: value => 3 * value } : undefined),
    });
    expect(summary(audit.findings)).toEqual([
      'layers.0.w2: every output; every position checked (4); 3 times too large',
    ]);
    expect([...audit.positions]).toEqual(
      [0, 2, 6, 7].map(position => [position, { first: 'layers.0.w2', wrongPlaces: 1 }]),
    );
    const failed = audit.tally.reports().filter(({ verdict }) => verdict === 'fail');
    expect(failed).toMatchObject([{ name: 'layers.0.w2', wrong: 4 * CONFIG.dim }]);
  });

  test('gives an example with what was wanted', async () => {
    const { audit } = await auditSession(weights, {
      jobFault: ({ matrix }) =>
        matrix === 'layers.1.wqkv' ? { output: (value, { n }) => (n === 50 ? value + 7 : value) } : undefined,
    });
    const { finding } = audit.findings[0]!;
    // wk begins at row 48 of wqkv.
    expect(finding).toMatchObject({ place: 'layers.1.wk', wrong: 1, of: 24, ranges: [[2, 2]] });
    expect(finding.example).toMatchObject({ output: 2 });
    expect(Number(finding.example!.got) - Number(finding.example!.wanted)).toBeCloseTo(7, 5);
    expect(Number(finding.example!.tolerance)).toBeLessThan(1e-4);
  });

  const perLayer = <T>(what: (layer: number) => T): T[] => [0, 1].map(what);
  test.each<[string, StepFaults, string[]]>([
    [
      'RoPE with another base',
      { ropeBase: 5e5 },
      perLayer(l => l).flatMap(l => [
        `layers.${l} keys and values: RoPE with base 500000 instead of 10000`,
        `layers.${l} attention: RoPE with base 500000 instead of 10000`,
      ]),
    ],
    [
      'RoPE with a base that nobody uses',
      { ropeBase: 1234 },
      perLayer(l => l).flatMap(l => [
        `layers.${l} keys and values: RoPE with base 1234 instead of 10000`,
        `layers.${l} attention: RoPE with base 1234 instead of 10000`,
      ]),
    ],
    [
      'RoPE left out',
      { ropePosition: () => 0 },
      perLayer(l => l).flatMap(l => [
        `layers.${l} keys and values: RoPE is not applied`,
        `layers.${l} attention: RoPE is not applied`,
      ]),
    ],
    [
      // Attention sees differences of positions alone, so only the keys show it.
      'RoPE one position ahead',
      { ropePosition: p => p + 1 },
      perLayer(l => `layers.${l} keys and values: RoPE is applied for the position after`),
    ],
    [
      'a norm left out',
      { norm: (normed, x, kind, layer) => void (kind === 'ffn' && layer === 1 && normed.set(x)) },
      ['layers.1 feed-forward norm: the norm is left out: its input as it is'],
    ],
    [
      "a norm's weights left out",
      { norm: (normed, x, kind) => void (kind === 'final' && normed.set(bare(x))) },
      ["final norm: the norm's weights are left out"],
    ],
    [
      'a KV slot overwritten',
      {
        cache: (keys, values, layer, position) => {
          if (layer !== 1 || position < 5) return;
          keys.copyWithin(24 * 2, 24 * 4, 24 * 5);
          values.copyWithin(24 * 2, 24 * 4, 24 * 5);
        },
      },
      [
        'layers.1 keys and values: KV slot 2 holds the key and value of position 4',
        'layers.1 attention: made with what the cache holds, which is not what was computed',
      ],
    ],
    [
      'a value in the cache damaged',
      {
        cache: (_, values, layer, position) => void (layer === 0 && position === 6 && values.fill(9, 24, 25)),
      },
      [
        'layers.0 keys and values: KV slot 1 holds another value than was computed: overwritten',
        'layers.0 attention: made with what the cache holds, which is not what was computed',
      ],
    ],
    [
      'scores not scaled',
      { scale: 1 },
      perLayer(l => `layers.${l} attention: the scores are not divided by sqrt(head size)`),
    ],
    [
      'a SiLU left out',
      { gate: (gate, up) => gate * up },
      perLayer(l => `layers.${l} SwiGLU: the SiLU is left out`),
    ],
    [
      'w1 and w3 taken for each other',
      { gate: (gate, up) => (up / (1 + Math.exp(-up))) * gate },
      perLayer(l => `layers.${l} SwiGLU: w1's and w3's outputs are swapped`),
    ],
    [
      'a residual left out',
      { residual: (x, delta, after, layer) => (after === 'wo' && layer === 0 ? x : x + delta) },
      ['layers.0 feed-forward norm: layers.0.wo is not added to the residual stream'],
    ],
    [
      'a residual replaced',
      { residual: (x, delta, after, layer) => (after === 'w2' && layer === 1 ? delta : x + delta) },
      ['final norm: layers.1.w2 replaces the residual stream instead of being added'],
    ],
    [
      'one element of the residual stream lost',
      {
        norm: (normed, _, kind, layer) => void (kind === 'att' && layer === 1 && normed.fill(0, 7, 8)),
      },
      ['layers.1 attention norm: like nothing known', 'layers.1 feed-forward norm: like nothing known'],
    ],
    [
      "another token's embedding",
      { embedding: token => (token === 8 ? 9 : token) },
      ['layers.0 attention norm: the embedding of token 9 instead of 8'],
    ],
    [
      'an attention that is not finite',
      { attended: (out, layer) => void (layer === 0 && out.fill(Number.NaN, 0, 8)) },
      ['layers.0 attention: not finite'],
    ],
    [
      'logits damaged on their way',
      { logits: (logits, position) => void (position === 7 && logits.fill(1, 5, 6)) },
      ["logits: not the classifier's outputs"],
    ],
  ])('says of %s where and what it is', async (_, faults, wanted) => {
    expect(await steps(faults)).toEqual(wanted);
  });

  test('names the positions that are concerned', async () => {
    const { audit } = await auditSession(weights, {
      steps: { logits: (logits, position) => void (position === 6 && logits.fill(0)) },
    });
    expect(summary(audit.findings)).toEqual([
      "logits: not the classifier's outputs; position 6 (of the 4 checked)",
    ]);
    expect([...audit.positions.keys()]).toEqual([6]);
  });

  test('stops where a forward pass did', async () => {
    const device = new FakeDevice(weights);
    const recorder = new Recorder({ config: CONFIG, matrices: weights.matrices, audited: () => true });
    const session = device.watch(run => {
      recorder.onMatrix(run);
      if (run.matrix === 'layers.1.wo') throw new Error('ends here');
    });
    await expect(session.forward([TOKENS[0]!], 0)).rejects.toThrow('ends here');
    const audit = await auditRuns({ recorder, weights, tokens: TOKENS, placed: device.matrices });
    expect(audit.findings).toEqual([]);
    expect(audit.tally.reports().filter(({ rows }) => rows === 1)).toHaveLength(11);
  });

  test('refuses a recording that does not begin at position 0', async () => {
    const device = new FakeDevice(weights);
    const recorder = new Recorder({ config: CONFIG, matrices: weights.matrices, audited: p => p === 1 });
    const first = device.watch(() => {});
    await first.forward([TOKENS[0]!], 0);
    const late = device.watch(recorder.onMatrix);
    await late.forward([TOKENS[1]!], 1);
    await expect(auditRuns({ recorder, weights, tokens: TOKENS, placed: device.matrices })).rejects.toThrow(
      'position 0 was not recorded; watch the session from position 0 on',
    );
  });

  test('ends between two matrices when it is told to', async () => {
    const device = new FakeDevice(weights);
    const recorder = new Recorder({ config: CONFIG, matrices: weights.matrices, audited: () => true });
    await device.watch(recorder.onMatrix).forward([TOKENS[0]!], 0);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      auditRuns({ recorder, weights, tokens: TOKENS, placed: device.matrices, signal }),
    ).rejects.toThrow('enough');
  });
});
