/*
 * `node --import` of this in front of a command: at its end the process writes to descriptor 3 the most memory that it had
 * resident, in bytes. Not getrusage's maxrss, which also counts what the process was before exec: a copy of its parent.
 */
import { readFileSync, writeSync } from 'node:fs';

process.on('exit', () => {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  writeSync(3, String(Number(kibibytes) * 1024));
});
