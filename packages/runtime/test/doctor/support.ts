import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CheckResult, DoctorReport } from '../../src/doctor/index.js';
import { type Errno, FakeKernel, vendorAnswers } from '../support/fake-kernel.js';
import type { TemporaryFolder } from '../support/temporary-folder.js';

/** Nodes of a machine, each with its driver's name, or the errno that opening it gives. */
export type Nodes = Readonly<Record<string, string | { readonly open: Errno }>>;

/** A kernel with these nodes; the vendor driver behind them answers, but computes nothing. */
export class FakeBoard extends FakeKernel {
  readonly #paths = new Map<number, string>();

  constructor(
    private readonly nodes: Nodes,
    version = [0, 9, 8] as const,
  ) {
    super({
      ...vendorAnswers(),
      DRM_IOCTL_VERSION: (argument, calls) => {
        const name = this.nodes[this.#paths.get(calls.at(-1)!.fd!)!] as string;
        this.memory.get(Number(argument.get('name')))!.set(Buffer.from(name));
        const [version_major, version_minor, version_patchlevel] = version;
        argument.set({ version_major, version_minor, version_patchlevel, name_len: BigInt(name.length) });
      },
    });
  }

  override open(path: string): number {
    const node = this.nodes[path];
    if (node === undefined) this.fail(path, 'ENOENT');
    else if (typeof node === 'object') this.fail(path, node.open);
    const fd = super.open(path);
    this.#paths.set(fd, path);
    return fd;
  }

  get openFiles(): number {
    return this.#paths.size - this.named('close').length;
  }
}

/** Files of /proc, /sys, /etc and /dev below a folder. @returns the folder */
export function writeRoot(
  folder: TemporaryFolder,
  name: string,
  files: Readonly<Record<string, string>>,
): string {
  for (const [path, text] of Object.entries(files)) {
    const file = folder.file(name + path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder.file(name);
}

export function resultOf(report: DoctorReport, id: string): CheckResult {
  const result = report.checks.find(check => check.id === id);
  if (result === undefined) throw new Error(`no check ${id}`);
  return result;
}

/** Ids of the checks that found something: `{ 'core-1': 'problem' }`. */
export function notOk({ checks }: DoctorReport): Record<string, string> {
  return Object.fromEntries(
    checks.filter(({ status }) => status !== 'ok').map(({ id, status }) => [id, status]),
  );
}
