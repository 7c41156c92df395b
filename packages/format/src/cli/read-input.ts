import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { FileError, fileErrorFrom } from '../errors.js';

export interface ReadInputOptions {
  /** Input beyond this is refused; no more of it than that is read. */
  readonly maxBytes: number;
  /** What the input should be, for messages: `prompt`. */
  readonly what: string;
  /** Ends the reading, also while it waits for whoever writes into a pipe. */
  readonly signal: AbortSignal;
}

/** What a name on the command line stands for, for messages. */
export function inputName(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/**
 * Reads a file, a pipe, a device or standard input (`-`) to its end; the event loop goes on meanwhile.
 * @throws FileError when it cannot be read, or is too large; the signal's reason
 */
export async function readInput(
  path: string,
  { maxBytes, what, signal }: ReadInputOptions,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const name = inputName(path);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    const stream: AsyncIterable<Buffer> = addAbortSignal(signal, openInput(path));
    // Leaving the loop, by an error too, closes the stream.
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw new FileError(name, `is too large for a ${what}`, {
          got: `more than ${maxBytes} bytes`,
          wanted: `at most ${maxBytes}`,
        });
      }
      chunks.push(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw fileErrorFrom(error, name, 'read');
  }
  return Buffer.concat(chunks);
}

/**
 * Reads of a pipe or a terminal must not wait in one of libuv's threads, for which the end of the process would wait as well:
 * these streams wait in the event loop.
 */
function openInput(path: string): Readable {
  if (path === '-') return process.stdin;
  // Opening a named pipe would otherwise wait for somebody to write to it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (isatty(fd)) return new ReadStream(fd);
    if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return createReadStream(path, { fd });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
