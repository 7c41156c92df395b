import {
  CheckpointFile,
  ExitStatus,
  FileError,
  NpuFile,
  OutputFile,
  readTokenizerFile,
  type Vocabulary,
} from '@npu-llama/format';
import { DEFAULT_TOLERANCES, headerSha256, refuseInputs } from '../../engine/index.js';
import { encodeGolden, recordGolden } from '../../golden/index.js';
import { loadReferenceWeights, Threads } from '../../reference/index.js';
import { changeTolerances, readSuite } from '../../suite/index.js';
import { showText } from '../../text/index.js';
import { planPositions, requireSameModel, sha256OfCheckpoint } from '../../verify/index.js';
import { encodePrompts } from '../gather-prompts.js';
import type { RecordOptions } from '../options.js';
import { version } from '../parse-options.js';
import { Terminal } from '../terminal.js';

/**
 * `verify-npu record <checkpoint.bin>`: runs both references over a suite and writes down what boards are held against.
 * @throws ToolkitError for a file or suite that will not do; the signal's reason when that ends it
 */
export async function runRecord(options: RecordOptions, signal: AbortSignal): Promise<number> {
  using terminal = new Terminal('lines');
  const { checkpoint: source, model: npuFile, suite: suiteFile, tokenizer } = options;
  refuseInputs([options.output], [source, npuFile, suiteFile, tokenizer]);
  using output = OutputFile.create(options.output, options.force ? 'replace' : 'refuse');
  using checkpoint = CheckpointFile.open(options.checkpoint);
  using model = options.model === undefined ? undefined : NpuFile.open(options.model);
  const suite = readSuite(options.suite);
  const { config } = checkpoint.layout;
  const vocabulary = readVocabulary(options, model, config.vocabSize);
  const prompts = encodePrompts(suite.prompts, vocabulary, config, options.model ?? options.checkpoint);
  const onProgress = (done: number): void => terminal.update(done);
  terminal.stage('hashing the checkpoint', checkpoint.layout.fileBytes);
  const checkpointSha256 = await sha256OfCheckpoint(checkpoint, { signal, onProgress });
  if (model !== undefined) requireSameModel(model, checkpoint, checkpointSha256);
  terminal.stage('reading the checkpoint', config.layerCount);
  await using threads = new Threads(options.threads);
  const weights = await loadReferenceWeights(checkpoint, { threads, signal, onProgress });
  const golden = await recordGolden({
    version,
    checkpoint,
    checkpointSha256,
    weights,
    ...(model && { model: { headerSha256: headerSha256(model), bytes: model.bytes } }),
    suite: { name: suite.name, sha256: suite.sha256 },
    tolerances: changeTolerances(DEFAULT_TOLERANCES, suite.tolerances),
    prompts,
    signal,
    onPrompt: prompt => terminal.stage(`prompt ${prompt.number}`, planPositions(prompt, config)),
    onPosition: onProgress,
    onResult: ({ number, name, tokens }) =>
      terminal.say([`prompt ${number} ${showText(name)}: ${tokens.length} positions`]),
  });
  const text = Buffer.from(encodeGolden(golden));
  output.write(text, 0);
  output.commit();
  const positions = golden.prompts.reduce((sum, prompt) => sum + prompt.positions.length, 0);
  terminal.say([
    `${options.output}: ${golden.prompts.length} prompts, ${positions} positions, ${text.length} bytes`,
  ]);
  return ExitStatus.fine;
}

/** A checkpoint has no tokenizer: it is named, or comes with the .npu file. */
function readVocabulary(
  { tokenizer }: RecordOptions,
  model: NpuFile | undefined,
  vocabSize: number,
): Vocabulary | undefined {
  if (tokenizer !== undefined) return readTokenizerFile(tokenizer, vocabSize).vocabulary;
  if (model === undefined) return undefined;
  if (model.config.vocabSize === vocabSize) return model.readTokenizer();
  throw new FileError(model.path, 'was not made from this checkpoint: another vocab_size', {
    got: String(model.config.vocabSize),
    wanted: String(vocabSize),
  });
}
