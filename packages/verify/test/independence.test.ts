import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../src', import.meta.url));
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => ({ path: path.split(sep).join('/'), text: readFileSync(join(root, path), 'utf8') }));

/** Everything that a file imports or re-exports, statically or not. */
function importsOf(text: string): string[] {
  return Array.from(text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g), match => match[1]!);
}

describe('the judge shares nothing with the judged', () => {
  test('finds the sources and their imports', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap(({ text }) => importsOf(text))).toContain('@npu-llama/format');
  });

  test('no file imports the packing of tiles', () => {
    const offenders = sources.filter(({ text }) => importsOf(text).some(name => name.includes('tiles')));
    expect(offenders.map(({ path }) => path)).toEqual([]);
  });

  test('one file alone imports the runtime', () => {
    const users = sources.filter(({ text }) =>
      importsOf(text).some(name => name.startsWith('@npu-llama/runtime')),
    );
    expect(users.map(({ path }) => path)).toEqual(['npu/runtime-npu.ts']);
  });

  test('nothing else of this repository is imported but the format', () => {
    const names = sources
      .flatMap(({ text }) => importsOf(text))
      .filter(name => name.startsWith('@npu-llama/'));
    expect(new Set(names)).toEqual(
      new Set(['@npu-llama/format', '@npu-llama/format/cli', '@npu-llama/format/wasm', '@npu-llama/runtime']),
    );
  });

  test('the reference and the comparison know no device', () => {
    const pure = sources.filter(({ path }) => /^(reference|compare)\//.test(path));
    for (const { path, text } of pure) {
      const outside = importsOf(text).filter(name => !name.startsWith('./'));
      expect({
        path,
        outside: outside.filter(
          name =>
            !/^(@npu-llama\/format(?:\/wasm)?|node:(?:fs|os|timers\/promises|url|worker_threads)|\.\.\/report\/schema\.js)$/.test(
              name,
            ),
        ),
      }).toEqual({ path, outside: [] });
    }
  });
});
