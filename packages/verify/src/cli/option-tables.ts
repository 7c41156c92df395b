import type { Argv } from 'yargs';

const DEVICE_KINDS = ['auto', 'rknpu', 'sim'] as const;

/** An option with a text. */
export const TEXT = { type: 'string', requiresArg: true } as const;

export const TOKENIZER = {
  ...TEXT,
  alias: 'tokenizer',
  describe: 'tokenizer file (default: the one in the model)',
};

export const THREADS = {
  ...TEXT,
  describe: 'threads of the reference (default: all that run at once)',
};

/** What is compared. */
export function promptOptions(command: Argv): Argv {
  return command
    .options({
      reference: { ...TEXT, describe: 'the llama2.c checkpoint that the model was made from' },
      i: { ...TEXT, alias: 'prompt', describe: 'a prompt; may be repeated (default: an empty one)' },
      prompts: { ...TEXT, describe: 'a file with a prompt a line; - is standard input' },
      text: { ...TEXT, describe: 'a file that is one prompt, line breaks and all' },
      suite: { ...TEXT, describe: 'a suite file with prompts, lengths, tolerances and modes' },
      n: {
        ...TEXT,
        alias: 'tokens',
        describe: 'positions per prompt, up to seq_len; 0: all (default: 64)',
      },
      mode: {
        choices: ['forced', 'free'] as const,
        requiresArg: true,
        describe: 'forced (default): both get the same tokens; free: their own',
      },
      t: { ...TEXT, alias: 'temperature', describe: 'of free mode (default: 0, greedy)' },
      p: { ...TEXT, alias: 'top-p', describe: 'nucleus of free mode (default: 0.9)' },
      s: { ...TEXT, alias: 'seed', describe: 'of free mode with a temperature; may be repeated' },
      z: TOKENIZER,
      threads: THREADS,
    })
    .group(
      ['reference', 'i', 'prompts', 'text', 'suite', 'n', 'mode', 't', 'p', 's', 'z', 'threads'],
      'What is compared:',
    );
}

/** On which device. */
export function deviceOptions(command: Argv): Argv {
  return command
    .options({
      device: {
        choices: DEVICE_KINDS,
        default: DEVICE_KINDS[0],
        requiresArg: true,
        describe: 'what to verify',
      },
      'device-path': { ...TEXT, describe: 'device node of the NPU (default: it is looked for)' },
      cores: { ...TEXT, describe: 'cores to use, 1 to 3 (default: 3)' },
      checksums: {
        type: 'boolean',
        default: true,
        describe: 'of the .npu file; --no-checksums takes it as it is',
      },
    })
    .group(['device', 'device-path', 'cores', 'checksums'], 'Device:');
}

/** How far to look. */
export function investigationOptions(command: Argv): Argv {
  return command
    .options({
      audit: { ...TEXT, describe: 'positions a prompt to check product by product (default: 3)' },
      diagnose: { type: 'boolean', default: false, describe: 'look for the place of a fault in any case' },
      matrix: { ...TEXT, describe: 'check this matrix alone, as layers.7.w2; may be repeated' },
      sweep: { type: 'boolean', default: false, describe: 'check every matrix with random inputs' },
      repeat: { ...TEXT, describe: 'run each prompt so many times, to be the same bit by bit' },
      soak: { ...TEXT, describe: 'repeat for so long: 90s, 10m, 8h' },
      tolerance: { ...TEXT, describe: '<name>=<value>, as fp16.kl=0.001; may be repeated' },
      accuracy: {
        choices: ['note', 'fail'] as const,
        default: 'note' as const,
        requiresArg: true,
        describe: 'what becomes of FP16 costing more than the fp32 tolerances',
      },
      shard: { ...TEXT, describe: 'the i-th of n parts of the prompts, as 2/3' },
    })
    .group(
      ['audit', 'diagnose', 'matrix', 'sweep', 'repeat', 'soak', 'tolerance', 'accuracy', 'shard'],
      'How far to look:',
    );
}

/** Where the outcome goes. */
export function reportOptions(command: Argv): Argv {
  return command
    .options({
      json: { type: 'boolean', default: false, describe: 'print one JSON document instead of text' },
      o: { ...TEXT, alias: 'output', describe: 'write that document to a file' },
      junit: { ...TEXT, describe: 'write a JUnit XML file' },
      html: { ...TEXT, describe: 'write an HTML page' },
    })
    .group(['json', 'o', 'junit', 'html'], 'Reports:');
}

/** What a suite says instead. */
