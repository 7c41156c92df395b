import { UsageError } from '@npu-llama/format';
import type { DecodeWindow } from './bench.js';

const FULL = { early: 128, late: 64, latePosition: 512 };
const QUICK = { early: 16, late: 16 };

/**
 * Where to measure decoding: early from position 0 on, as llama2.c measures itself, and late around position 512, or in the
 * middle of a model that is too short for that.
 * @throws UsageError for a model of less than 64 positions
 */
export function decodeWindows(seqLen: number, quick: boolean): [DecodeWindow, DecodeWindow] {
  const { early, late } = quick ? QUICK : FULL;
  if (seqLen < 64) {
    throw new UsageError('the model is too short to measure', {
      got: `${seqLen} positions`,
      wanted: 'at least 64',
    });
  }
  const earlyCount = Math.min(early, seqLen / 2);
  const latePosition = FULL.latePosition + late / 2 <= seqLen ? FULL.latePosition : Math.floor(seqLen / 2);
  const lateCount = Math.min(late, Math.floor(seqLen / 2));
  return [windowFrom(0, earlyCount), windowFrom(latePosition - lateCount / 2, lateCount)];
}

function windowFrom(firstPosition: number, count: number): DecodeWindow {
  return {
    firstPosition: Math.floor(firstPosition),
    count: Math.floor(count),
    position: Math.floor(firstPosition + count / 2),
  };
}
