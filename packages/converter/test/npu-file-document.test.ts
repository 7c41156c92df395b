import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { writeRandomTokenizer } from '@npu-llama/fixtures';
import { CheckpointFile, floatToHalf, halfToFloat } from '@npu-llama/format';
import { convertCheckpoint } from '../src/index.js';
import { type Workplace, workplaces } from './support.js';

const workplace = workplaces();
const document = readFileSync(new URL('../../../../docs/npu-file.md', import.meta.url), 'utf8');

/** The document's example: make-checkpoint's and convert-weights' defaults. */
async function convertExample(place: Workplace): Promise<{ source: string; target: string }> {
  const source = place.checkpoint('tiny.bin');
  const tokenizer = place.path('tiny-tokenizer.bin');
  writeRandomTokenizer(tokenizer, 300);
  const target = place.path('tiny.npu');
  await convertCheckpoint({ source, target, tokenizer });
  return { source, target };
}

test('the bytes shown in docs/npu-file.md are those of a converted file', async () => {
  const { source, target } = await convertExample(workplace());
  const bytes = readFileSync(target);
  const lines = document.match(/^[0-9a-f]{8}( {1,2}[0-9a-f]{2}){16}/gm)!;
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    const offset = Number.parseInt(line.slice(0, 8), 16);
    expect(bytes.subarray(offset, offset + 16).toString('hex')).toBe(line.slice(8).replaceAll(' ', ''));
  }
  expect(bytes.readUInt16LE(0x2c42)).toBe(0x32ce);
  expect(readFileSync(source).readFloatLE(61440)).toBeCloseTo(0.212637, 6);
  expect(halfToFloat(0x32ce)).toBeCloseTo(0.2126, 4);
});

test('the Python reader in docs/npu-file.md gets the weights back', async () => {
  const place = workplace();
  if (spawnSync('python3', ['-c', 'import numpy']).status !== 0) {
    process.stderr.write('skipped: the Python reader needs python3 with numpy\n');
    return;
  }
  const { source, target } = await convertExample(place);
  const script = /```python\n(.*?)```/s.exec(document)![1]!;
  const dump = `${script}\nfor name, tensor in read_npu(sys.argv[1]).items(): tensor.tofile(sys.argv[2] + name)\n`;
  const { status, stdout, stderr } = spawnSync('python3', ['-c', dump, target, place.path('dumped.')], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('layers.0.wk float16 (20, 40)\n');
  using checkpoint = CheckpointFile.open(source);
  for (const [name, { columns }] of checkpoint.layout.tensors) {
    const isNorm = name.includes('rms');
    if (isNorm && name !== 'rms_final') continue;
    const dumped = Uint8Array.from(readFileSync(place.path(`dumped.${name}`))).buffer;
    const wanted = checkpoint.readAll(name);
    if (isNorm) expect(new Float32Array(dumped)).toEqual(wanted);
    else
      expect([name, columns, new Uint16Array(dumped)]).toEqual([
        name,
        columns,
        Uint16Array.from(wanted, floatToHalf),
      ]);
  }
});
