import { createInterface } from 'node:readline';
import { ExitStatus, readTokenizerFile, UsageError } from '@npu-llama/format';
import { runCommand } from '@npu-llama/format/cli';
import { openDevice } from '../device/index.js';
import { loadModel, type NpuModel } from '../model/index.js';
import { Sampler, Tokenizer } from '../text/index.js';
import { loadProgress } from './load-progress.js';
import { parseRunOptions, type RunOptions } from './options.js';
import { runChat } from './run-chat.js';
import { type RunContext, runGenerate } from './run-generate.js';
import { formatStatistics, RunClock } from './statistics.js';

/** run.c's -n. */
const DEFAULT_STEPS = 256;

/** The run-npu command. @returns the exit status */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand('run-npu', async signal => {
    const options = await parseRunOptions(argv);
    if (options !== undefined) await run(options, signal);
    return ExitStatus.fine;
  });
}

function note(text: string): void {
  process.stderr.write(`run-npu: ${text}\n`);
}

async function run(options: RunOptions, signal: AbortSignal): Promise<void> {
  if (options.json && options.mode === 'chat') throw new UsageError('--json does not go with -m chat');
  const { temperature, topP, seed } = options;
  const sampler = new Sampler({ temperature, topP, ...(seed === undefined ? {} : { seed }) });
  await using device = await openDevice({
    kind: options.device,
    onFallback: reason => note(`${reason}; using the simulated NPU`),
    ...(options.devicePath === undefined ? {} : { path: options.devicePath }),
    ...(options.ffi === undefined ? {} : { ffi: options.ffi }),
    ...(options.cores === undefined ? {} : { cores: options.cores }),
    ...(options.rows === undefined ? {} : { rows: options.rows }),
  });
  const start = performance.now();
  const progress = loadProgress(!options.json);
  await using model = await loadModel(device, options.model, { signal, onProgress: progress.update }).finally(
    progress.stop,
  );
  await using session = model.createSession();
  const tokens: Uint8Array[] = [];
  const clock = new RunClock(model, performance.now() - start);
  const context: RunContext = {
    session,
    tokenizer: tokenizerOf(model, options),
    sampler,
    steps: stepsOf(options, model),
    signal,
    clock,
    write: bytes => {
      if (options.json) tokens.push(Buffer.from(bytes));
      else process.stdout.write(bytes);
    },
  };
  if (options.mode === 'chat') await chat(context, options);
  else await generateText(context, options, tokens);
}

async function generateText(
  context: RunContext,
  options: RunOptions,
  written: readonly Uint8Array[],
): Promise<void> {
  const tokens = await runGenerate(context, options.prompt ?? '');
  const statistics = context.clock.statistics();
  if (options.json) {
    const text = Buffer.concat(written).toString('utf8').replace(/\n$/, '');
    process.stdout.write(`${JSON.stringify({ text, tokens, statistics }, null, 2)}\n`);
    return;
  }
  report(statistics, options);
}

async function chat(context: RunContext, options: RunOptions): Promise<void> {
  const input = createInterface({ input: process.stdin, terminal: false });
  const lines = input[Symbol.asyncIterator]();
  // A signal ends the wait for a line, too.
  context.signal.addEventListener('abort', () => input.close(), { once: true });
  try {
    await runChat({
      ...context,
      system: options.system,
      prompt: options.prompt,
      ask: async question => {
        context.write(question);
        const line = await lines.next();
        context.signal.throwIfAborted();
        return line.done === true ? undefined : line.value;
      },
    });
  } finally {
    input.close();
  }
  report(context.clock.statistics(), options);
}

function report(statistics: ReturnType<RunClock['statistics']>, options: RunOptions): void {
  const { tokensPerSecond } = statistics;
  if (tokensPerSecond !== undefined) process.stderr.write(`achieved tok/s: ${tokensPerSecond.toFixed(6)}\n`);
  if (options.stats) process.stderr.write(formatStatistics(statistics));
}

function tokenizerOf(model: NpuModel, { tokenizer }: RunOptions): Tokenizer {
  if (tokenizer !== undefined)
    return new Tokenizer(readTokenizerFile(tokenizer, model.config.vocabSize).vocabulary);
  if (model.tokenizer !== undefined) return model.tokenizer;
  throw new UsageError(`${model.path} has no tokenizer inside`, {
    next: 'give one with -z, or convert again with convert-weights -z tokenizer.bin',
  });
}

/** As in run.c: 0 is the model's seq_len and more than that is that, but said. */
function stepsOf({ steps }: RunOptions, model: NpuModel): number {
  const { seqLen } = model.config;
  if (steps === undefined) return Math.min(DEFAULT_STEPS, seqLen);
  if (steps > seqLen) note(`-n ${steps} is more than the model's seq_len; running ${seqLen}`);
  return steps === 0 ? seqLen : Math.min(steps, seqLen);
}
