import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const cli = new URL('../../src/cli/index.js', import.meta.url);
const format = new URL('../../src/index.js', import.meta.url);
let count = 0;

/** Runs a process whose command has `body`, with `signal` and `folder`, and what a body needs. Its output is read, or not. */
async function command(body: string, reads: 'read' | 'unread' = 'read') {
  const own = folder.path(`command-${count++}`);
  mkdirSync(own);
  const code = `
    import { runCommand } from '${cli}';
    import { FileError, OutputFile } from '${format}';
    const folder = ${JSON.stringify(own)};
    const raise = signal => process.kill(process.pid, signal);
    const turn = () => new Promise(resolve => setImmediate(resolve));
    const forever = () => new Promise(() => setInterval(() => {}, 1000));
    const aborted = signal => new Promise((_, reject) => {
      const timer = setInterval(() => {}, 1000);
      signal.addEventListener('abort', () => { clearInterval(timer); reject(signal.reason); });
    });
    process.exitCode = await runCommand('it', async signal => { ${body} });
    console.log(['SIGINT', 'SIGTERM', 'SIGHUP'].map(event => process.listenerCount(event)).join(' '));`;
  // What does not end is ended by another signal.
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000 });
  let stdout = '';
  let stderr = '';
  if (reads === 'read') child.stdout.setEncoding('utf8').on('data', text => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text));
  const [status, signal] = await new Promise<[number | null, string | null]>(resolve =>
    child.once(reads === 'read' ? 'close' : 'exit', (code: number | null, by: string | null) =>
      resolve([code, by]),
    ),
  );
  return { end: status ?? signal, stdout, stderr, files: readdirSync(own) };
}

const NO_HANDLERS = '0 0 0\n';
/** With a file that is begun meanwhile. */
const writing = (body: string): string =>
  `const file = OutputFile.create(folder + '/out', 'refuse'); try { ${body} } finally { file.close(); }`;

describe('a command', () => {
  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('that %s interrupts cleans up and ends with %i', async (signal, status) => {
    const ended = await command(writing(`raise('${signal}'); await aborted(signal);`));
    expect(ended).toEqual({ end: status, stdout: NO_HANDLERS, stderr: '', files: [] });
  });

  test('that is through, with an output that nobody reads, is ended by the first signal', async () => {
    const ended = await command(
      `process.stdout.write('x'.repeat(2 ** 23)); raise('SIGINT'); return 0;`,
      'unread',
    );
    expect(ended).toMatchObject({ end: 130, stderr: '' });
  });

  test('takes the same signal twice, as a child of npx gets it, for one', async () => {
    const ended = await command(
      `try { raise('SIGINT'); await aborted(signal); } finally { raise('SIGINT'); await turn(); console.log('cleaned up'); }`,
    );
    expect(ended).toMatchObject({ end: 130, stdout: `cleaned up\n${NO_HANDLERS}` });
  });

  test('ends at once with the second signal, and its unfinished files are gone', async () => {
    const ended = await command(
      writing(
        `try { raise('SIGINT'); await aborted(signal); } finally { raise('SIGTERM'); await forever(); }`,
      ),
    );
    expect(ended).toEqual({ end: 'SIGTERM', stdout: '', stderr: '', files: [] });
  });

  test.each([
    ['in the command', `throw new TypeError('a bug');`],
    ['in a cause', `throw new TypeError('outer', { cause: new Error('a bug') });`],
    ['beside it', `setImmediate(() => { throw new Error('a bug'); }); await forever();`],
    ['in a promise that nobody waits for', `void Promise.reject(new Error('a bug')); await forever();`],
  ])(
    'that a bug %s ends has status 70, shows the stack and asks to report it; no unfinished file stays',
    async (_, body) => {
      const { end, stderr, files } = await command(writing(body));
      expect({ end, files }).toEqual({ end: 70, files: [] });
      expect(stderr).toMatch(/Error: a bug\n +at /);
      expect(stderr).toMatch(/\nit: that was unexpected: .*please report it with the lines above\n$/);
    },
  );

  test('has the status of a signal that came while a call blocked and failed', async () => {
    const ended = await command(`raise('SIGINT'); throw new FileError('x', 'cannot be read');`);
    expect(ended).toMatchObject({ end: 130, stderr: '' });
  });

  test('that was through before has its own status', async () => {
    const ended = await command(`raise('SIGINT'); return 0;`);
    expect(ended).toEqual({ end: 0, stdout: NO_HANDLERS, stderr: '', files: [] });
  });
});
