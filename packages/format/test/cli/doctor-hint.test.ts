import { expect, test } from '@jest/globals';
import { type DoctorTarget, doctorHint } from '../../src/cli/index.js';

const PLAN = 'cma=4M,node=/a b';
const UNDER = { LD_PRELOAD: '/lib/libx.so:/tmp/npu-sim-1/libnpu_sim.so' };

test.each<[string, DoctorTarget, Record<string, string>, string]>([
  ["this board's NPU", { kind: 'auto', model: 'm.npu' }, {}, 'npu-doctor m.npu'],
  [
    'a plan of no consequence there',
    { kind: 'rknpu', model: 'm.npu' },
    { NPU_SIM: PLAN },
    'npu-doctor m.npu',
  ],
  [
    'a node, an adapter and names that a shell would take apart',
    { kind: 'rknpu', path: "/dev/it's", ffi: 'koffi', model: 'my model.npu' },
    {},
    String.raw`npu-doctor 'my model.npu' --device-path '/dev/it'\''s' --ffi koffi`,
  ],
  ['a name that looks like an option', { kind: 'auto', model: '-m.npu' }, {}, 'npu-doctor ./-m.npu'],
  ['the simulated device', { kind: 'sim', model: 'm.npu' }, {}, 'npu-doctor m.npu --device sim'],
  [
    'the simulated device with a plan',
    { kind: 'sim', model: 'm.npu' },
    { NPU_SIM: PLAN },
    `NPU_SIM='${PLAN}' npu-doctor m.npu --device sim`,
  ],
  ['a node under npu-sim', { kind: 'auto', model: 'm.npu' }, UNDER, 'npu-sim npu-doctor m.npu'],
  [
    'a node under npu-sim with a plan',
    { kind: 'auto', model: 'm.npu' },
    { ...UNDER, NPU_SIM: PLAN },
    `NPU_SIM='${PLAN}' npu-sim npu-doctor m.npu`,
  ],
])('the hint to npu-doctor examines %s', (_, target, env, command) => {
  expect(doctorHint(target, env)).toBe(`to look into it: ${command}`);
});
