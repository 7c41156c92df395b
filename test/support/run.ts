import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';

/** What of this process's environment a program gets: none of what pnpm, npm or Jest set for this run. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = /^npm_config_(registry|cache|userconfig|cafile|strict_ssl|proxy|https_proxy|noproxy)$/i;
  const dropped = /^(npm_|pnpm_|NPU_|NODE_OPTIONS$|INIT_CWD$|JEST_)/i;
  const variables = Object.entries(process.env).filter(([name]) => kept.test(name) || !dropped.test(name));
  return {
    ...Object.fromEntries(variables),
    // The Node that runs the tests, also for scripts that begin with `#!/usr/bin/env node`.
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
  };
}

/** Runs a program to its end. @returns what stands on stdout; throws with all it said when it fails */
export function run(folder: string, program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    env: cleanEnvironment(),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')}: status ${status} ${error ?? ''}\n${stdout}\n${stderr}`);
}
