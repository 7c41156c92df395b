import { ExitStatus, UsageError } from '@npu-llama/format';
import { type DoctorTarget, doctorHint, jsonDocument, runCommand } from '@npu-llama/format/cli';
import { checkDeviceOptions, type OpenDeviceOptions, openDevice } from '../device/index.js';
import { loadModel } from '../model/index.js';
import { Sampler } from '../text/index.js';
import { InputLines } from './input-lines.js';
import { readInputs } from './inputs.js';
import { loadProgress } from './load-progress.js';
import { parseRunOptions, type RunOptions } from './options.js';
import { runChat } from './run-chat.js';
import { type RunContext, runGenerate } from './run-generate.js';
import { formatStatistics, RunClock } from './statistics.js';

/** The run-npu command. @returns the exit status */
export function main(argv: readonly string[]): Promise<number> {
  let target: DoctorTarget | undefined;
  const body = async (signal: AbortSignal): Promise<number> => {
    const options = await parseRunOptions(argv);
    if (options === undefined) return ExitStatus.fine;
    const { device, devicePath, ffi, model } = options;
    target = { kind: device, path: devicePath, ffi, model };
    const onFallback = (reason: string): void => {
      target = { kind: 'sim', ffi, model };
      note(`${reason}; using the simulated NPU`);
    };
    await run(options, onFallback, signal);
    return ExitStatus.fine;
  };
  const deviceHint = (): string | undefined => target && doctorHint(target);
  return runCommand('run-npu', body, { whenUnread: 'stop', deviceHint });
}

function note(text: string): void {
  process.stderr.write(`run-npu: ${text}\n`);
}

async function run(
  options: RunOptions,
  onFallback: (reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (options.json && options.mode === 'chat') throw new UsageError('--json does not go with -m chat');
  if (options.system !== undefined && options.mode !== 'chat') {
    throw new UsageError('-y goes with -m chat alone', { next: 'leave it out, or put the text into -i' });
  }
  const { temperature, topP, seed } = options;
  const sampler = new Sampler({ temperature, topP, ...(seed === undefined ? {} : { seed }) });
  const deviceOptions = { ...deviceOptionsOf(options), onFallback };
  // Whatever is wrong with options and files is said before a device is opened and a large model is loaded.
  checkDeviceOptions(deviceOptions);
  const { tokenizer, steps } = readInputs(options, note);
  await using device = await openDevice({ ...deviceOptions, signal });
  const progress = await loadProgress(!options.json);
  const start = performance.now();
  await using model = await loadModel(device, options.model, { signal, onProgress: progress.update }).finally(
    progress.stop,
  );
  await using session = model.createSession();
  const clock = new RunClock(model, performance.now() - start);
  const write = (bytes: Uint8Array | string): void => {
    if (!options.json) process.stdout.write(bytes);
  };
  const context: RunContext = { session, tokenizer, sampler, steps, signal, clock, write };
  if (options.mode === 'chat') await chat(context, options);
  else await generateText(context, options);
}

function deviceOptionsOf({ device, devicePath, ffi, cores, rows }: RunOptions): OpenDeviceOptions {
  return {
    kind: device,
    ...(devicePath === undefined ? {} : { path: devicePath }),
    ...(ffi === undefined ? {} : { ffi }),
    ...(cores === undefined ? {} : { cores }),
    ...(rows === undefined ? {} : { rows }),
  };
}

async function generateText(context: RunContext, options: RunOptions): Promise<void> {
  const promptTokens = context.tokenizer.encode(options.prompt ?? '').length;
  if (promptTokens > context.steps) {
    note(
      `the prompt has ${promptTokens} tokens and only ${context.steps} positions are run: it is cut, see -n`,
    );
  }
  const { text, tokens } = await runGenerate(context, options.prompt ?? '');
  const statistics = context.clock.statistics();
  if (options.json) process.stdout.write(jsonDocument({ text, tokens, statistics }));
  else report(statistics, options);
}

async function chat(context: RunContext, options: RunOptions): Promise<void> {
  {
    using lines = new InputLines(process.stdin, context.signal);
    const ask = (question: string): Promise<string | undefined> => {
      context.write(question);
      return lines.next();
    };
    await runChat({ ...context, system: options.system, prompt: options.prompt, ask });
  }
  report(context.clock.statistics(), options);
}

function report(statistics: ReturnType<RunClock['statistics']>, options: RunOptions): void {
  const { tokensPerSecond } = statistics;
  if (tokensPerSecond !== null) process.stderr.write(`achieved tok/s: ${tokensPerSecond.toFixed(6)}\n`);
  if (options.stats) process.stderr.write(formatStatistics(statistics));
}
