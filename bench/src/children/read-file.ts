/* `read-file <path>`: prints what reading it into fresh memory took, in ms. */
import { readFileSync } from 'node:fs';

const start = performance.now();
const bytes = readFileSync(process.argv[2] ?? '');
const readMs = performance.now() - start;
process.stdout.write(JSON.stringify({ readMs, bytes: bytes.length }));
