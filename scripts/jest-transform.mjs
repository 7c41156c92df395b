import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/*
 * In jest's environment every look at a global goes through an interceptor (Node's vm contexts), a hundred times slower than
 * elsewhere: verification takes two to three times as long. So each module gets the built-in objects that it names as constants of its
 * own, on its first line: line numbers stay. Nothing that jest or a test replaces is among them, as timers, `performance` or `process`.
 */
const BUILT_INS = [
  'Array',
  'ArrayBuffer',
  'Atomics',
  'BigInt',
  'BigInt64Array',
  'BigUint64Array',
  'Boolean',
  'Buffer',
  'DataView',
  'Error',
  'Float32Array',
  'Float64Array',
  'Int16Array',
  'Int32Array',
  'Int8Array',
  'JSON',
  'Map',
  'Math',
  'Number',
  'Object',
  'Promise',
  'RangeError',
  'Reflect',
  'RegExp',
  'Set',
  'SharedArrayBuffer',
  'String',
  'Symbol',
  'TypeError',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
];

const OWN_SOURCE = readFileSync(new URL(import.meta.url));

export default {
  /** @param {string} source of a module */
  process(source) {
    const named = BUILT_INS.filter(name => new RegExp(`\\b${name}\\b`).test(source));
    if (named.length === 0 || source.startsWith('#!')) return { code: source };
    return { code: `const { ${named.join(', ')} } = globalThis; ${source}` };
  },

  /** What jest keeps from run to run depends on this file, too. */
  getCacheKey(source) {
    return createHash('sha256').update(OWN_SOURCE).update(source).digest('hex');
  },
};
