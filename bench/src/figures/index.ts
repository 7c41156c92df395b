import type { Bench } from '../bench.js';
import type { PartResult } from '../results.js';
import { board } from './board.js';
import { convert } from './convert.js';
import { decode } from './decode.js';
import { driver } from './driver.js';
import { eventLoop } from './event-loop.js';
import { host } from './host.js';
import { load } from './load.js';
import { prompt } from './prompt.js';
import { startup } from './startup.js';
import { verify } from './verify.js';

/** Every part of the bench, in the order of its tables. */
export const PARTS = {
  convert,
  load,
  decode,
  prompt,
  'event-loop': eventLoop,
  host,
  driver,
  verify,
  startup,
  board,
} as const satisfies Record<string, (bench: Bench) => Promise<PartResult>>;

export type PartName = keyof typeof PARTS;
export const PART_NAMES = Object.keys(PARTS) as readonly PartName[];
