import { spawnSync } from 'node:child_process';

/** pnpm as program and first arguments: the one that runs this test, else one on the PATH, else npx fetches it. */
export function findPnpm(): readonly [program: string, ...args: string[]] {
  const running = process.env['npm_execpath'] ?? '';
  if (/pnpm(\.exe)?$/.test(running)) return [running];
  if (/pnpm\.[cm]?js$/.test(running)) return [process.execPath, running];
  const onPath = spawnSync('pnpm', ['--version'], { encoding: 'utf8' });
  if (onPath.status === 0 && onPath.stdout.startsWith('12.')) return ['pnpm'];
  return ['npx', '--yes', '--prefer-offline', 'pnpm@12'];
}
