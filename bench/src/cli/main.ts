import { runCommand } from '@npu-llama/format/cli';
import { runBench } from './run-bench.js';

process.exitCode = await runCommand('bench', signal => runBench(process.argv.slice(2), signal));
