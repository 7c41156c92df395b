/** Outputs that one task of a job computes. */
export interface PlacedTask {
  readonly core: number;
  /** Its place among the chained tasks of that core, from 0. */
  readonly link: number;
  /** First row of the matrix, and how many: whole 16-row groups. */
  readonly firstRow: number;
  readonly rows: number;
}

/** The job of a matrix for one row count. */
export interface PlacedVariant {
  /** M: the most rows of activations that it takes. */
  readonly rows: number;
  /** Core by core, link by link: every row of the matrix once. */
  readonly tasks: readonly PlacedTask[];
}

/** A matrix as it stands on the device, and who computes what of it. */
export interface PlacedMatrix {
  /** `layers.3.wqkv`, as in the .npu file. */
  readonly name: string;
  /** K before padding. */
  readonly columns: number;
  readonly paddedColumns: number;
  /** N: every part padded to a multiple of 16. */
  readonly paddedRows: number;
  /** The DMA buffer that its weights are in. */
  readonly buffer: { readonly label: string; readonly dmaAddress: number; readonly bytes: number };
  /** Ascending by rows; the first decodes one token. */
  readonly variants: readonly PlacedVariant[];
}
