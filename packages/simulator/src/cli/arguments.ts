export interface RunRequest {
  readonly kind: 'run';
  readonly program: string;
  readonly programArguments: readonly string[];
  readonly stats: boolean;
  /** Items for NPU_SIM, in order. */
  readonly plan: readonly string[];
}

export type Request =
  | RunRequest
  | { readonly kind: 'help' }
  | { readonly kind: 'usage-error'; readonly message: string };

/** npu-sim's own options end at the first argument that is none: what follows belongs to the program. */
export function parseArguments(argv: readonly string[]): Request {
  const plan: string[] = [];
  let stats = false;
  let index = 0;
  for (; index < argv.length; index++) {
    const argument = argv[index]!;
    if (argument === '--') {
      index++;
      break;
    }
    if (!argument.startsWith('-')) break;
    const [name, inline] = splitOption(argument);
    if (name === '--help' || name === '-h') return { kind: 'help' };
    if (name === '--stats' && inline === undefined) {
      stats = true;
      continue;
    }
    if (name !== '--config' && name !== '--node') return usageError(`unknown option ${argument}`);
    const value = inline ?? argv[++index];
    if (value === undefined || value === '') return usageError(`${name} needs a value`);
    plan.push(name === '--node' ? `node=${value}` : value);
  }
  const program = argv[index];
  if (program === undefined) return usageError('no program to run');
  return { kind: 'run', program, programArguments: argv.slice(index + 1), stats, plan };
}

function splitOption(argument: string): [name: string, inline: string | undefined] {
  const equals = argument.indexOf('=');
  return equals < 0 ? [argument, undefined] : [argument.slice(0, equals), argument.slice(equals + 1)];
}

function usageError(message: string): Request {
  return { kind: 'usage-error', message };
}
