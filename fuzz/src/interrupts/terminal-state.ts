/** Sequences that begin with ESC: of one character (7 and 8 save and restore the cursor), or CSI ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
const ESCAPE = /\u001b(?:\[(?<parameters>[?\d;]*)(?<command>[A-Za-z])|(?<single>[^[]))/g;

/**
 * What is wrong with a terminal once all of `output` was written to it; undefined where nothing is. A shell's prompt must
 * stand at the beginning of a line, with the cursor shown and long lines wrapped.
 */
export function terminalProblem(output: string): string | undefined {
  const modes = new Map<string, boolean>();
  const text = output.replaceAll(ESCAPE, (...match) => {
    const { parameters, command } = match.at(-1) as Record<string, string | undefined>;
    if (parameters?.startsWith('?') === true) modes.set(parameters, command === 'h');
    // To the first column: what stands there is written over.
    if (command === 'G' && (parameters === '' || parameters === '1')) return '\r';
    return '';
  });
  if (modes.get('?25') === false) return 'the cursor is hidden';
  if (modes.get('?7') === false) return 'long lines do not wrap';
  const column = Math.min(text.length - 1 - text.lastIndexOf('\n'), text.length - 1 - text.lastIndexOf('\r'));
  // ^C as a terminal shows it is not there: signals are sent, not typed.
  return column === 0 ? undefined : `the line is not ended: ${JSON.stringify(text.slice(-60))}`;
}
