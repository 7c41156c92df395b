import { ExitStatus, FileError } from '@npu-llama/format';
import { jsonDocument, oneLine } from '@npu-llama/format/cli';
import { inspectModel, type ModelInspection } from '../inspect.js';
import { describeModel } from './model-text.js';
import { megabytes } from './units.js';

export interface InspectArguments {
  readonly file: string;
  readonly check: boolean;
  readonly json: boolean;
}

/** Prints what a .npu file holds. */
export async function inspectCommand(
  { file, check, json }: InspectArguments,
  signal: AbortSignal,
): Promise<ExitStatus> {
  const inspection = await inspectModel(file, check ? 'checksums' : 'header', signal);
  process.stdout.write(json ? jsonDocument(inspection) : describe(inspection));
  const { damaged, tensors } = inspection;
  if (damaged !== null && damaged.length > 0) {
    throw new FileError(file, `${damaged.length} of ${tensors.length} tensors are damaged`, {
      got: `wrong checksums of ${damaged.join(', ')}`,
      next: 'copy the file again or convert the checkpoint again',
    });
  }
  return ExitStatus.fine;
}

/** Names in it are of the file, and whoever made that chose them: no line of it moves a terminal's cursor. */
function describe(model: ModelInspection): string {
  const { source, tensors, damaged } = model;
  return [
    `${model.path}: ${megabytes(model.bytes)}, ${tensors.length} tensors`,
    ...describeModel(model),
    `  DMA memory       ${megabytes(model.weightsDmaBytes)} for the weights`,
    `  saturated        ${model.saturated} weights`,
    `  source           ${source.name}, version ${source.version}, SHA-256 ${source.sha256}`,
    `  converter        ${model.converter}`,
    ...(damaged?.length === 0 ? ['  checksums        all right'] : []),
    '',
    ...table(model),
    '',
  ]
    .map(oneLine)
    .join('\n');
}

function table({ tensors, dataOffset }: ModelInspection): string[] {
  const rows = [
    ['tensor', 'type', 'shape', 'first byte', 'bytes', 'checksum'],
    ...tensors.map(({ name, dtype, shape, offset, bytes, checksum }) => [
      name,
      dtype,
      shape.join(' x '),
      String(dataOffset + offset),
      String(bytes),
      checksum,
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  const isNumber = (column: number): boolean => column === 3 || column === 4;
  return rows.map(row =>
    row
      .map((cell, column) =>
        isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
}
