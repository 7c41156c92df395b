import { CheckpointFile, NpuFile, readTokenizerFile, type Vocabulary } from '@npu-llama/format';
import { findLayout } from '../../diagnose/index.js';
import {
  DEFAULT_TOLERANCES,
  OutputFiles,
  type PromptTask,
  ReportDraft,
  refuseInputs,
} from '../../engine/index.js';
import type { OpenNpu } from '../../npu/npu-under-test.js';
import { loadReferenceWeights, type ReferenceWeights, Threads } from '../../reference/index.js';
import { changeTolerances, ofShard, readSuite } from '../../suite/index.js';
import {
  chooser,
  comparePrompt,
  type Prompt,
  planPositions,
  requireSameModel,
  sha256OfCheckpoint,
} from '../../verify/index.js';
import { encodePrompts, promptsOfOptions } from '../gather-prompts.js';
import type { VerifyOptions } from '../options.js';
import { version } from '../parse-options.js';
import { Terminal } from '../terminal.js';
import { conclude } from './conclude.js';

/**
 * `verify-npu <model.npu>`: refuses what cannot be compared before anything slow, loads both sides, compares, reports.
 * @throws ToolkitError for what is no verdict; the signal's reason when that ends it
 */
export async function runVerify(
  options: VerifyOptions,
  openNpu: OpenNpu,
  signal: AbortSignal,
  commandLine: string,
): Promise<number> {
  using terminal = new Terminal(options.report.json ? 'nothing' : 'lines');
  const { output, junit, html } = options.report;
  refuseInputs(
    [output, junit, html],
    [
      ...[options.model, options.reference, options.suite, options.tokenizer],
      ...[options.prompts.file, options.prompts.textFile],
    ],
  );
  using files = new OutputFiles(options.report);
  using model = NpuFile.open(options.model);
  for (const name of options.matrices) findLayout(model, name);
  using checkpoint = options.reference === undefined ? undefined : CheckpointFile.open(options.reference);
  const suite = options.suite === undefined ? undefined : readSuite(options.suite);
  const vocabulary = readVocabulary(options.tokenizer, model);
  const wanted = suite?.prompts ?? (await promptsOfOptions(options.prompts, signal));
  const prompts = checkpoint === undefined ? [] : encodePrompts(wanted, vocabulary, model.config, model.path);
  const reference = checkpoint && (await identify(model, checkpoint, terminal, signal));
  const draft = new ReportDraft({
    version,
    command: commandLine,
    model,
    reference: reference ?? { kind: 'model' },
    ...(suite && { suite: { name: suite.name, sha256: suite.sha256 } }),
    ...(options.shard && { shard: options.shard }),
    tolerances: changeTolerances(DEFAULT_TOLERANCES, suite?.tolerances ?? {}, options.tolerances),
    accuracyCounts: options.accuracyCounts,
  });
  await using threads = new Threads(options.threads);
  const weights = checkpoint && (await loadWeights(checkpoint, threads, terminal, signal));
  const tasks =
    weights === undefined ? [] : ofShard(prompts, options.shard).map(prompt => promptTask(prompt, weights));
  return await conclude({
    options,
    openNpu,
    signal,
    terminal,
    files,
    model,
    vocabulary,
    draft,
    tasks,
    weights,
  });
}

/** @throws FileError where the model was not made from this checkpoint */
async function identify(model: NpuFile, checkpoint: CheckpointFile, terminal: Terminal, signal: AbortSignal) {
  terminal.stage('hashing the reference', checkpoint.layout.fileBytes);
  const onProgress = (done: number): void => terminal.update(done);
  const sha256 = await sha256OfCheckpoint(checkpoint, { signal, onProgress });
  requireSameModel(model, checkpoint, sha256);
  return { kind: 'checkpoint' as const, path: checkpoint.path, sha256 };
}

async function loadWeights(
  checkpoint: CheckpointFile,
  threads: Threads,
  terminal: Terminal,
  signal: AbortSignal,
) {
  terminal.stage('reading the reference', checkpoint.layout.config.layerCount);
  return loadReferenceWeights(checkpoint, {
    threads,
    signal,
    onProgress: done => terminal.update(done),
  });
}

function promptTask(prompt: Prompt, weights: ReferenceWeights): PromptTask {
  const positionCount = planPositions(prompt, weights.config);
  return {
    prompt,
    positionCount,
    compare: ({ npuDraw, ...means }) =>
      comparePrompt({
        ...means,
        weights,
        tokens: prompt.tokens,
        positionCount,
        choose: chooser(prompt.mode, prompt.sampling, npuDraw),
      }),
  };
}

function readVocabulary(tokenizer: string | undefined, model: NpuFile): Vocabulary | undefined {
  if (tokenizer === undefined) return model.readTokenizer();
  return readTokenizerFile(tokenizer, model.config.vocabSize).vocabulary;
}
