import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';

/** As Debian, Ubuntu and Google call it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'] as const;

/** Of a start, and of each call: Playwright's own 30 s are little on a busy machine, where jest ends what hangs. */
export const CHROMIUM_TIMEOUT_MS = 100_000;

/** No display, no GPU, no sandbox (tests run as root in CI), and nothing that it would do in the network by itself. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '');
  return folders.flatMap(folder => NAMES.map(name => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Chromium of its own profile, which goes when it is closed. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium()!,
    headless: true,
    args: ARGUMENTS,
    timeout: CHROMIUM_TIMEOUT_MS,
  });
}

/**
 * `describe` for tests that open a page in Chromium. Where there is none they are skipped, and say so; with
 * NPU_REQUIRE_CHROMIUM set they fail instead.
 */
export function describeChromium(name: string, body: () => void): void {
  if (findChromium() !== undefined) {
    describe(name, body);
  } else if ((process.env['NPU_REQUIRE_CHROMIUM'] ?? '') === '') {
    // Jest shows no more of a file of skipped tests than their number.
    process.stderr.write(`SKIPPED ${name}: no Chromium in PATH (NPU_REQUIRE_CHROMIUM=1 makes it fail)\n`);
    describe.skip(`${name} (no Chromium in PATH)`, body);
  } else {
    test(`${name}: Chromium is in PATH, as NPU_REQUIRE_CHROMIUM demands`, () => {
      throw new Error(`none of ${NAMES.join(', ')} in PATH`);
    });
  }
}
