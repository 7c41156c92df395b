import { NpuFile } from '@npu-llama/format';
import { findLayout } from '../../diagnose/index.js';
import { headerSha256, OutputFiles, type PromptTask, ReportDraft, refuseInputs } from '../../engine/index.js';
import { checkPrompt, type GoldenPrompt, readGolden, requireRecorded } from '../../golden/index.js';
import type { OpenNpu } from '../../npu/npu-under-test.js';
import { changeTolerances, ofShard } from '../../suite/index.js';
import type { CheckOptions } from '../options.js';
import { version } from '../parse-options.js';
import { Terminal } from '../terminal.js';
import { conclude } from './conclude.js';

/**
 * `verify-npu check <model.npu>`: compares with what a workstation recorded; no checkpoint, no reference to run.
 * @throws ToolkitError for what is no verdict, among it a record of another model; the signal's reason when that ends it
 */
export async function runCheck(
  options: CheckOptions,
  openNpu: OpenNpu,
  signal: AbortSignal,
  commandLine: string,
): Promise<number> {
  using terminal = new Terminal(options.report.json ? 'nothing' : 'lines');
  const { output, junit, html } = options.report;
  refuseInputs([output, junit, html], [options.model, options.golden]);
  using files = new OutputFiles(options.report);
  using model = NpuFile.open(options.model);
  for (const name of options.matrices) findLayout(model, name);
  const { golden, sha256 } = readGolden(options.golden);
  const { path, description } = model;
  requireRecorded({ path, description, headerSha256: headerSha256(model) }, golden, options.golden);
  const draft = new ReportDraft({
    version,
    command: commandLine,
    model,
    reference: { kind: 'golden', path: options.golden, sha256 },
    suite: golden.suite,
    ...(options.shard && { shard: options.shard }),
    tolerances: changeTolerances(golden.tolerances, options.tolerances),
    accuracyCounts: options.accuracyCounts,
  });
  const vocabulary = model.readTokenizer();
  const tasks = ofShard(golden.prompts, options.shard).map(prompt =>
    promptTask(prompt, model.config.vocabSize),
  );
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
    weights: undefined,
  });
}

function promptTask(prompt: GoldenPrompt, vocabSize: number): PromptTask {
  const { number, name, text, mode, sampling, tokens, promptTokens } = prompt;
  return {
    prompt: {
      number,
      name,
      text,
      mode,
      tokens: tokens.slice(0, promptTokens),
      ...(sampling && { sampling: { ...sampling, seed: BigInt(sampling.seed) } }),
    },
    positionCount: tokens.length,
    compare: means => checkPrompt({ ...means, prompt, vocabSize }),
  };
}
