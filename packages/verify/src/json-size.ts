import { FileError } from '@npu-llama/format';

/** Half of what V8 lets a program have on a board of 4 GB. A record or report of 200 MB takes this much. */
const MAX_PARSED_BYTES = 2 ** 30;
/** Of an object or a list, however empty; and of what follows a comma: a number that is no small integer, in its list. */
const CONTAINER_BYTES = 64;
const VALUE_BYTES = 24;

const [QUOTE, COMMA, BACKSLASH, BRACKET, BRACE] = Buffer.from('",\\[{');

/**
 * Refuses JSON that is small beside what it would take in memory, which ends the process: `[{},{},...` takes 20 times its length.
 * @throws FileError
 */
export function refuseLargeJson(path: string, json: Uint8Array, what: string): void {
  let containers = 0;
  let commas = 0;
  let inText = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === COMMA) commas++;
    else if (byte === BRACKET || byte === BRACE) containers++;
  }
  const bytes = containers * CONTAINER_BYTES + commas * VALUE_BYTES;
  if (bytes <= MAX_PARSED_BYTES) return;
  throw new FileError(path, `has too many values for a ${what}`, {
    got: `${containers} objects and lists, ${commas} commas`,
    wanted: `what takes ${MAX_PARSED_BYTES} bytes of memory at most, at ${CONTAINER_BYTES} and ${VALUE_BYTES}`,
  });
}
