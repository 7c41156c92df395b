/**
 * The arguments with `--` taken out: what stands behind it are file names, whatever they look like. yargs gives them to no
 * positional argument, and takes such names for options; spelled as a path they are none.
 */
export function spellOutOperands(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  if (end === -1) return [...argv];
  const operands = argv.slice(end + 1).map(name => (/^-|^inspect$/.test(name) ? `./${name}` : name));
  return [...argv.slice(0, end), ...operands];
}
