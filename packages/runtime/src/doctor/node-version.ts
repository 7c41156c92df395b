import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { type Check, ok, problem } from './check.js';

// dist/src/doctor -> package.json
const MANIFEST = new URL('../../../package.json', import.meta.url);

/** `>=20.9` of package.json, as numbers. */
function oldestNode(): { readonly major: number; readonly minor: number } {
  const { engines } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { engines: { node: string } };
  const match = /^>=(\d+)\.(\d+)$/.exec(engines.node);
  if (match === null) throw new Error(`package.json: engines.node ${engines.node}`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}

export const nodeVersionCheck: Check = {
  id: 'node-version',
  title: 'Node',
  section: 'This machine',
  run: () => {
    const { version, platform, arch } = process;
    const oldest = oldestNode();
    const [major, minor] = version.slice(1).split('.').map(Number) as [number, number];
    const detail = `${version}, ${platform} ${arch}, kernel ${release()}`;
    const values = { version, platform, arch, kernel: release() };
    const current = major > oldest.major || (major === oldest.major && minor >= oldest.minor);
    if (current) return ok(detail, values);
    return problem(detail, `install Node ${oldest.major}.${oldest.minor} or later`, values);
  },
};
