import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** LD_PRELOAD is a list: the loader splits it at spaces and colons and knows no way to quote them. */
const SEPARATORS = /[\s:]/;

/** A path of a library that LD_PRELOAD can hold: its own, or that of a link to it in a folder of our own. */
export class PreloadablePath implements Disposable {
  readonly path: string;
  readonly #folder: string | undefined;

  constructor(library: string) {
    if (!SEPARATORS.test(library)) {
      this.path = library;
      return;
    }
    this.#folder = mkdtempSync(join(tmpdir(), 'npu-sim-'));
    this.path = join(this.#folder, 'libnpu_sim.so');
    symlinkSync(library, this.path);
  }

  [Symbol.dispose](): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
