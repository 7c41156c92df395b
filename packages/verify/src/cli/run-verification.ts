import {
  BOS_TOKEN,
  CheckpointFile,
  ExitStatus,
  NpuFile,
  readTokenizerFile,
  UsageError,
  type Vocabulary,
} from '@npu-llama/format';
import type { OpenNpu } from '../npu/npu-under-test.js';
import { loadReferenceWeights } from '../reference/index.js';
import { encodeReport, promptLines, verdictLine, verifyReport } from '../report/index.js';
import { PromptEncoder } from '../text/index.js';
import {
  type Prompt,
  planPositions,
  requireSameModel,
  sha256OfCheckpoint,
  verifyPrompts,
} from '../verify/index.js';
import { type Options, version } from './options.js';
import { Progress } from './progress.js';

/**
 * What verify-npu does once its command line is read: refuses what cannot be compared before anything slow, loads both
 * sides, compares, prints.
 * @throws ToolkitError for what is no verdict; the signal's reason when that ends it
 */
export async function runVerification(
  options: Options,
  openNpu: OpenNpu,
  signal: AbortSignal,
): Promise<ExitStatus> {
  using progress = new Progress();
  using model = NpuFile.open(options.model);
  using checkpoint = CheckpointFile.open(options.reference);
  const onProgress = (done: number): void => progress.update(done);

  progress.stage('hashing the reference', checkpoint.layout.fileBytes);
  const sha256 = await sha256OfCheckpoint(checkpoint, { signal, onProgress });
  requireSameModel(model, checkpoint, sha256);
  const { config, description } = model;
  const vocabulary = readVocabulary(options, model);
  const prompts = encodePrompts(options.prompts, vocabulary, model.path);
  const positionCount = options.positionCount === 0 ? config.seqLen : options.positionCount;
  planPositions(prompts, config, positionCount);

  progress.stage('reading the reference', config.layerCount);
  const weights = await loadReferenceWeights(checkpoint, { signal, onProgress });
  progress.stage('loading the model', model.bytes);
  const { devicePath } = options;
  const npu = await openNpu({
    model: model.path,
    device: options.device,
    ...(devicePath !== undefined && { devicePath }),
    signal,
    onProgress,
    // A nightly job on a board must not pass because of a simulated one, so it is said even beside --json.
    onFallback: reason => {
      progress.stop();
      process.stderr.write(`verify-npu: ${reason}: verifying the simulated device\n`);
    },
  });
  try {
    const result = await verifyPrompts({
      weights,
      npu,
      prompts,
      ...(positionCount !== undefined && { positionCount }),
      signal,
      onPrompt: (prompt, count) => progress.stage(`prompt ${prompt.number} of ${prompts.length}`, count),
      onPosition: onProgress,
      onResult: prompt => {
        progress.stop();
        if (!options.json) printLines(promptLines(prompt, vocabulary));
      },
    });
    const subject = {
      device: npu.device.description,
      model: { path: model.path, description },
      reference: { path: checkpoint.path, sha256 },
    };
    printLines([
      options.json
        ? encodeReport(verifyReport(result, subject, version))
        : verdictLine(result, npu.device.description),
    ]);
    return result.passed ? ExitStatus.fine : ExitStatus.npuWrong;
  } finally {
    await npu.close();
  }
}

function readVocabulary({ tokenizer }: Options, model: NpuFile): Vocabulary | undefined {
  if (tokenizer === undefined) return model.readTokenizer();
  return readTokenizerFile(tokenizer, model.config.vocabSize).vocabulary;
}

/** An empty prompt is BOS alone and needs no vocabulary. */
function encodePrompts(
  texts: readonly string[],
  vocabulary: Vocabulary | undefined,
  modelPath: string,
): Prompt[] {
  const encoder = vocabulary && new PromptEncoder(vocabulary);
  return texts.map((text, i) => {
    // Node has replaced what was not UTF-8: another text would be compared than the one given.
    if (text.includes('\uFFFD')) throw new UsageError(`prompt ${i + 1} is not UTF-8 text`);
    if (encoder !== undefined) return { number: i + 1, text, tokens: encoder.encode(text) };
    if (text === '') return { number: i + 1, text, tokens: [BOS_TOKEN] };
    throw new UsageError(`${modelPath} holds no tokenizer to encode prompt ${i + 1} with`, {
      next: 'name one with -z, or verify without -i',
    });
  });
}

function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''));
}
