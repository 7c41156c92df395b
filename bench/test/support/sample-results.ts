import { preset } from '@npu-llama/fixtures';
import { atLeast, atMost, figure } from '../../src/figure.js';
import { BUILD_NAMES } from '../../src/native.js';
import { RESULTS_SCHEMA_VERSION, type Results, type Section } from '../../src/results.js';

/** A section with nothing in it. */
export function section(part: string, runs = 1): Section {
  return {
    part,
    date: '2026-01-02T03:04:05.000Z',
    commit: '1234567',
    model: 'a model',
    shape: preset('stories110M'),
    device: 'the simulated device, 3 cores',
    runs,
    figures: [],
  };
}

const counts = {
  submits: 49,
  tasks: 150,
  macs: 110e6,
  weightBytes: 219e6,
  featureBytes: 1e6,
  resultBytes: 1e6,
  programBytes: 1e5,
};

/** Every kind of thing that results can hold. */
export const SAMPLE: Results = {
  schemaVersion: RESULTS_SCHEMA_VERSION,
  machine: {
    cpu: 'A processor',
    cores: 2,
    memoryBytes: 2 ** 34,
    architecture: 'x64',
    kernel: '6.1.0',
    node: '20.9.0',
    compiler: null,
  },
  sections: [
    {
      ...section('decode'),
      figures: [
        figure({
          id: 'decode.early',
          name: 'decode around position 64',
          unit: 'tok/s',
          samples: [80],
          beside: [
            { name: BUILD_NAMES.plain, samples: [10] },
            { name: 'C | with a bar', samples: [50], goal: atLeast(1.5) },
          ],
        }),
        { id: 'decode.llama2c', name: "llama2.c's own program", notMeasured: 'not given' },
      ],
    },
    {
      ...section('host'),
      figures: [figure({ id: 'host.early', name: 'host work', unit: 'ms', samples: [2], goal: atMost(1.5) })],
      budgets: [64, 512].map(position => ({
        position,
        stages: [
          { name: 'submit', microseconds: 10_000 },
          { name: 'attention', microseconds: position * 2 },
          { name: 'the rest', microseconds: 30 },
        ],
      })),
    },
    { ...section('board'), counts: [1, 3].map(cores => ({ cores, ...counts })) },
  ],
};
