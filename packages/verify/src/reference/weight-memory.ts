import { KernelMemory } from './kernel-memory.js';
import { GROUP_ROWS } from './kernels.js';
import { type Band, PackedMatrix } from './packed-matrix.js';

/** Weights of one memory: well below the 4 GiB that WebAssembly can address, so that large models take several. */
const MEMORY_FLOATS = 2 ** 29;

interface Shape {
  readonly rows: number;
  readonly columns: number;
}

/** Rows of a matrix, and which memory they go into. */
interface Place {
  readonly matrix: number;
  readonly firstRow: number;
  readonly rowCount: number;
  readonly floats: number;
}

/**
 * Room for matrices, zeros at first, in as few WebAssembly memories as hold them, in order. One that does not fit into what is left of a
 * memory goes on in the next.
 * @throws WasmMemoryError when there is not enough memory, RangeError for columns that no memory holds 8 of
 */
export function allocateMatrices(shapes: readonly Shape[], memoryFloats = MEMORY_FLOATS): PackedMatrix[] {
  const bands = shapes.map((): Band[] => []);
  for (const places of plan(shapes, memoryFloats)) {
    const memory = new KernelMemory(
      places.reduce((sum, { floats }) => sum + KernelMemory.floatsFor(floats), 0),
    );
    for (const { matrix, firstRow, rowCount, floats } of places) {
      bands[matrix]!.push({ firstRow, rowCount, memory, weights: memory.allocate(floats) });
    }
  }
  return shapes.map(({ rows, columns }, i) => new PackedMatrix(rows, columns, bands[i]!));
}

/** What goes into each memory. */
function plan(shapes: readonly Shape[], memoryFloats: number): Place[][] {
  const memories: Place[][] = [[]];
  let room = memoryFloats;
  for (const [matrix, { rows, columns }] of shapes.entries()) {
    const groupFloats = KernelMemory.floatsFor(columns * GROUP_ROWS);
    if (groupFloats > memoryFloats) throw new RangeError(`no memory holds 8 rows of ${columns} columns`);
    for (let firstRow = 0; firstRow < rows; ) {
      if (room < groupFloats) {
        memories.push([]);
        room = memoryFloats;
      }
      const rowCount = Math.min(rows - firstRow, Math.floor(room / groupFloats) * GROUP_ROWS);
      const floats = Math.ceil(rowCount / GROUP_ROWS) * GROUP_ROWS * columns;
      memories.at(-1)!.push({ matrix, firstRow, rowCount, floats });
      room -= KernelMemory.floatsFor(floats);
      firstRow += rowCount;
    }
  }
  return memories;
}
