import { halfToFloat, type TiledMatrix } from '@npu-llama/format';
import type { Finding } from '../../report/schema.js';
import type { FileWeights } from '../file-weights.js';
import { reportFigure, reportRanges, type SignedFinding } from '../finding.js';
import type { MatrixTally } from '../matrix-tally.js';
import type { ModelWeights } from '../model-weights.js';
import { distinct } from '../signs/ranges.js';
import type { Sign } from '../signs/sign.js';
import { tilePlace } from '../tile-layout.js';
import { compareWeights, differencePlaces, type WeightDifferences } from './compare-weights.js';
import { weightSigns } from './weight-signs.js';

export interface WeightsCheck {
  readonly layout: TiledMatrix;
  /** What they should be. */
  readonly weights: ModelWeights;
  /** The .npu file, where it is at hand. */
  readonly file?: FileWeights;
  /** What the DMA buffer holds: NpuUnderTest.readWeights. */
  readonly memory?: Uint8Array;
  readonly tally: MatrixTally;
}

/** Looks at a matrix's weights wherever they are, and says which are not what they should be. */
export function checkWeights({ layout, weights, file, memory, tally }: WeightsCheck): SignedFinding[] {
  const findings: SignedFinding[] = [];
  const wanted = weights.tiles(layout.name);
  const inFile = file === undefined ? undefined : file.tiles(layout.name);
  if (file !== undefined && inFile !== undefined) {
    const differences = compareWeights(layout, wanted, inFile);
    const intact = file.checksumMatches(layout.name);
    countParts(differences, 'file', tally);
    if (differences.count > 0) {
      findings.push(weightsFinding(differences, intact ? FILE_DIFFERS : FILE_DAMAGED));
    } else if (!intact) {
      findings.push(checksumFinding(layout.name));
    }
  }
  if (memory !== undefined) {
    const held = new Uint16Array(memory.buffer, memory.byteOffset, memory.byteLength / 2);
    const differences = compareWeights(layout, inFile ?? wanted, held);
    countParts(differences, 'memory', tally);
    if (differences.count > 0) findings.push(weightsFinding(differences, MEMORY_DIFFERS));
  }
  return findings;
}

const FILE_DIFFERS: Sign = {
  key: 'fileDiffers',
  text: "the file's weights are not the checkpoint's, though its checksum is right",
};
const FILE_DAMAGED: Sign = {
  key: 'fileDamaged',
  text: "the file's weights are not the checkpoint's, and its checksum is not theirs",
};
const MEMORY_DIFFERS: Sign = { key: 'memoryDiffers', text: "DMA memory does not hold the file's weights" };

/** A finding of different weights; ranges are rows of the place. @param about where they were found */
export function weightsFinding(differences: WeightDifferences, about: Sign): SignedFinding {
  const { layout, elements, count, wanted, got } = differences;
  const signs = [about, ...weightSigns(differences)];
  const rows = distinct(differencePlaces(differences).map(({ row }) => row));
  const part = layout.parts.find(({ firstRow, rows: size }) =>
    rows.every(row => row >= firstRow && row < firstRow + size),
  );
  const named = part !== undefined && layout.parts.length > 1 ? part : undefined;
  const firstRow = named?.firstRow ?? 0;
  const first = elements[0]!;
  return {
    finding: {
      place: named?.source ?? layout.name,
      what: 'weights',
      wrong: count,
      of: (named?.rows ?? layout.paddedRows) * (named === undefined ? layout.paddedColumns : layout.columns),
      ranges: reportRanges(rows.map(row => row - firstRow)),
      common: signs.map(({ text }) => text),
      example: {
        output: tilePlace(first, layout.paddedColumns).row - firstRow,
        got: reportFigure(halfToFloat(got[first]!)),
        wanted: reportFigure(halfToFloat(wanted[first]!)),
        tolerance: 0,
      },
    },
    signs,
    positions: [],
  };
}

/** Without a checkpoint nobody knows which weights it is: one checksum of one is wrong. */
function checksumFinding(place: string): SignedFinding {
  const sign: Sign = { key: 'fileDamaged', text: "the file's checksum is not that of its bytes" };
  const finding: Finding = { place, what: 'weights', wrong: 1, of: 1, ranges: [], common: [sign.text] };
  return { finding, signs: [sign], positions: [] };
}

function countParts(differences: WeightDifferences, where: 'file' | 'memory', tally: MatrixTally): void {
  const { parts } = differences.layout;
  const rows = differencePlaces(differences).map(({ row }) => row);
  parts.forEach(({ source, firstRow }, i) => {
    const end = parts[i + 1]?.firstRow ?? Infinity;
    const counted = rows.filter(row => row >= firstRow && row < end).length;
    // Of more than are kept one by one the part of each is not known.
    const all = parts.length === 1 ? differences.count : counted;
    tally.addWeights(source, where, all);
  });
}
