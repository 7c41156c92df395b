import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  type DiagnosePositionOptions,
  diagnosePosition,
  type ModelWeights,
  ReferenceInputs,
} from '../../src/diagnose/index.js';
import type { Diagnosis } from '../../src/report/schema.js';
import { FakeDevice, type FakeDeviceOptions } from './support/fake-device.js';
import { auditSession, smallModel, TOKENS } from './support/session.js';

const POSITION = 6;

describe('a diagnosis of a position', () => {
  let weights: ModelWeights;
  let inputs: ReferenceInputs;
  beforeAll(async () => {
    weights = await smallModel();
    // A good device stands in for the reference: what it feeds its matrices is what the reference would.
    inputs = new ReferenceInputs(POSITION);
    const good = new FakeDevice(weights).watch(({ matrix, firstPosition, input }) => {
      const columns = weights.matrices.find(({ name }) => name === matrix)!.columns;
      for (let row = 0; row * columns < input.length; row++) {
        inputs.onMatrix(matrix, firstPosition + row, input.subarray(row * columns, (row + 1) * columns));
      }
    });
    await good.forward(TOKENS, 0);
  });

  async function diagnose(
    options: FakeDeviceOptions,
    more: Partial<DiagnosePositionOptions> = {},
  ): Promise<Diagnosis> {
    const { audit, recorder, device } = await auditSession(weights, options);
    return await diagnosePosition({ npu: device, weights, inputs, audit, recorder, prompt: 2, ...more });
  }
  const lines = ({ findings }: Diagnosis) =>
    findings.map(({ place, common }) => `${place}: ${common.join('; ')}`);

  test('says that nothing is wrong where nothing is', async () => {
    const diagnosis = await diagnose({});
    expect(diagnosis).toMatchObject({ run: 0, prompt: 2, position: POSITION, findings: [] });
    expect(diagnosis.conclusions).toEqual([expect.stringMatching(/^nothing is wrong where it was looked/)]);
  });

  test('lists what is wrong in the order of the data flow, steps among the products', async () => {
    const diagnosis = await diagnose({
      jobFault: ({ matrix }) =>
        ['layers.1.wo', 'layers.0.w13'].includes(matrix) ? { output: v => 2 * v } : undefined,
      steps: { scale: 1, logits: logits => void logits.fill(0) },
    });
    expect(diagnosis.findings.map(({ place }) => place)).toEqual([
      'layers.0 attention',
      'layers.0.w13',
      'layers.1 attention',
      'layers.1.wo',
      'logits',
    ]);
  });

  test('shows in which job shapes a matrix is wrong that failed in one', async () => {
    const diagnosis = await diagnose({
      jobFault: ({ matrix, jobRows }) =>
        matrix === 'layers.0.w2' && jobRows === 1 ? { output: v => v * v } : undefined,
    });
    expect(lines(diagnosis)).toEqual(['layers.0.w2: every output; only with M = 1 (of 1, 4, 16)']);
    expect(diagnosis.conclusions[0]).toMatch(/heights below 4 are wrong/);
  });

  test('marks what was wrong in the session and is right alone', async () => {
    let session = true;
    const options: FakeDeviceOptions = {
      jobFault: ({ matrix }) => (session && matrix === 'layers.0.w2' ? { output: v => 2 * v } : undefined),
    };
    const { audit, device } = await auditSession(weights, options);
    session = false;
    const diagnosis = await diagnosePosition({ npu: device, weights, inputs, audit });
    expect(lines(diagnosis)).toEqual([
      'layers.0.w2: every output; every position checked (4); 2 times too large; in the session, not alone',
    ]);
  });

  test('leaves out what an audit found at other positions', async () => {
    const diagnosis = await diagnose({
      steps: { logits: (logits, position) => void (position === 7 && logits.fill(0)) },
    });
    expect(diagnosis.findings).toEqual([]);
  });

  test('says which matrices it had no input for', async () => {
    const diagnosis = await diagnose(
      {},
      { inputs: new ReferenceInputs(POSITION), matrices: ['layers.0.wo'] },
    );
    expect(diagnosis.conclusions.at(-1)).toBe('layers.0.wo: not run, there was no input for it');
  });

  test('explains a wrong product by the weights in memory', async () => {
    const device = new FakeDevice(weights);
    const tiles = device.tiles.get('layers.0.wo')!;
    tiles[40] = tiles[40]! ^ 0x8000;
    const diagnosis = await diagnosePosition({ npu: device, weights, inputs });
    expect(diagnosis.findings.map(({ place, what }) => [place, what])).toEqual([
      ['layers.0.wo', 'weights'],
      ['layers.0.wo', 'product'],
    ]);
    expect(lines(diagnosis)[1]).toContain('right for the weights that are in memory');
  });
});
