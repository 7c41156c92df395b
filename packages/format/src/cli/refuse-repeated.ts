import { UsageError } from '../errors.js';

/**
 * Refuses an option that was given more than once, of which yargs would take the last. It gathers texts and numbers in an array
 * (its duplicate-arguments-array, on by default), but not flags: those are looked up in the arguments.
 * @param args what yargs made of `argv`
 * @param repeatable names, aliases too, of options and positionals that may be given several times
 * @throws UsageError
 */
export function refuseRepeated(
  args: Readonly<Record<string, unknown>>,
  argv: readonly string[],
  repeatable: readonly string[] = [],
): void {
  const options = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined);
  const names = Object.keys(args).filter(name => name !== '_' && name !== '$0' && !repeatable.includes(name));
  const asGiven = (name: string): string[] => options.filter(option => isOption(option, name));
  // An option and its alias hold the same: the name that was used is the one to say.
  const repeated = names.filter(name => {
    const value = args[name];
    return Array.isArray(value) || (typeof value === 'boolean' && asGiven(name).length > 1);
  });
  const name = repeated.find(each => asGiven(each).length > 0) ?? repeated[0];
  if (name === undefined) return;
  const value = args[name];
  const times = Array.isArray(value) ? value.length : asGiven(name).length;
  throw new UsageError(`${name.length === 1 ? '-' : '--'}${name} given ${times} times`, { wanted: 'once' });
}

function isOption(argument: string, name: string): boolean {
  const [word = ''] = argument.split('=', 1);
  return name.length === 1 ? word.startsWith(`-${name}`) : word === `--${name}` || word === `--no-${name}`;
}
