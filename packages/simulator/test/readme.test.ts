import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const native = new URL('../../native/', import.meta.url);
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const sources = readdirSync(native)
  .filter(name => name.endsWith('.c'))
  .map(name => readFileSync(new URL(name, native), 'utf8'))
  .join('\n');

test('the README names every rule', () => {
  const rules = [...sources.matchAll(/refuse(?:_task|_field)?\([^"]*"([a-z0-9-]+)"/g)].map(
    match => match[1]!,
  );
  expect(rules.length).toBeGreaterThan(40);
  expect(rules.filter(rule => !readme.includes(`\`${rule}\``))).toEqual([]);
});

test('the README names every configuration item', () => {
  const start = sources.indexOf('} items[] = {');
  const table = sources.slice(start, sources.indexOf('};', start));
  const items = [...table.matchAll(/\{"([a-z-]+)", (?:true|false)/g)].map(match => match[1]!);
  expect(items).toHaveLength(16);
  expect(items.filter(item => !readme.includes(`\`${item}`))).toEqual([]);
});
