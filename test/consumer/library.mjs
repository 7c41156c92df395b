// A plain ESM program that uses the packages: node library.mjs tales.bin tokenizer.bin
import { convertCheckpoint } from '@npu-llama/converter';
import { NpuFile } from '@npu-llama/format';
import { ROWS_PER_GROUP } from '@npu-llama/format/tiles';
import { generate, loadModel, openDevice, Sampler } from '@npu-llama/runtime';
import { simulatorLibraryPath } from '@npu-llama/simulator';
import * as verify from '@npu-llama/verify';

const [source, tokenizer] = process.argv.slice(2);
const target = 'library.npu';
await convertCheckpoint({ source, tokenizer, target });
const file = NpuFile.open(target);
const { dim } = file.config;
file.close();

const device = await openDevice({ kind: 'sim' });
const model = await loadModel(device, target);
const session = model.createSession();
let text = '';
const options = { tokenizer: model.tokenizer, sampler: new Sampler({ temperature: 0 }), steps: 40 };
for await (const token of generate(session, options)) text += token.text;
await model.close();
await device.close();

const library = simulatorLibraryPath();
const outcome = { dim, text, library, ROWS_PER_GROUP, verify: Object.keys(verify).length };
process.stdout.write(JSON.stringify(outcome));
