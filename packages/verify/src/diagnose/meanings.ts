import type { SignKey } from './signs/sign.js';

/** What a sign usually means and what to do next. */
export interface Meaning {
  readonly means: string;
  readonly next: string;
  /** Only said of what nothing before explains: it tells where or when, not what. */
  readonly weak?: true;
}

/** In the order in which conclusions are drawn: what explains others first. */
export const MEANINGS: readonly (readonly [SignKey, Meaning])[] = [
  [
    'fileDamaged',
    { means: 'the .npu file is damaged', next: 'copy it again or convert the checkpoint again' },
  ],
  [
    'fileDiffers',
    {
      means: 'the .npu file was not made of this checkpoint, or by a converter that is wrong',
      next: 'convert the checkpoint again; if that does not help, the packing of tiles is at fault',
    },
  ],
  [
    'memoryDiffers',
    {
      means: 'the weights in DMA memory are damaged',
      next: 'load the model again; if it comes back at another place the memory is bad (memtest), if at the same, a job or another driver writes there',
    },
  ],
  [
    'memoryExplains',
    {
      means: 'the device multiplies right what it has in memory',
      next: 'look for what damaged the weights, not at the device',
    },
  ],
  [
    'readsOther',
    {
      means: 'the device multiplies with other weights than the CPU sees in its memory',
      next: 'weights not written back before the first job (a sync or a barrier is missing), a wrong weight address in the program, or bad memory in the CBUF',
    },
  ],
  [
    'weightPartsSwapped',
    {
      means: "two matrices took each other's place",
      next: 'look at the order of the parts in the converter',
    },
  ],
  [
    'tilesSwapped',
    {
      means: 'tiles stand in the wrong order',
      next: 'look at the tile order of the packing: [N/16][K/32][16][32]',
    },
  ],
  [
    'weightRowsMoved',
    {
      means: 'rows were put into the wrong place',
      next: 'look at the first row of each part and at the packing',
    },
  ],
  [
    'weightColumnsMoved',
    {
      means: 'rows were read or written off by some columns',
      next: 'look at the row length that the packing uses',
    },
  ],
  [
    'weightPadding',
    {
      means: 'the padding of the tiles was not cleared',
      next: 'clear it: it does no harm only while the features beside it are zero',
    },
  ],
  [
    'weightsZero',
    {
      means: 'a block of weights was never written or was overwritten',
      next: 'compare where it begins and ends with pages and buffers',
    },
  ],
  ['weightBits', { means: 'bits flipped', next: 'single bits: memory, a disk or a copy; test the memory' }],
  [
    'subnormals',
    {
      means: "the device takes FP16's subnormal numbers (below 2^-14) for 0; the references keep them",
      next: 'no job and no matrix is at fault: it is how this device computes, and costs what the perplexities say',
    },
  ],
  [
    'rounding',
    {
      means:
        'the sums are rounded otherwise than expected: cut off, or with fewer bits; or the lowest bits of the results are damaged',
      next: 'where it is so in every matrix it is how this device computes: --tolerance product=... allows for it; where it is in one core or task only, compare with the others',
    },
  ],
  [
    'staleResult',
    {
      means: 'the result is that of an earlier job: it never arrived, or the CPU reads an old cache line',
      next: 'look for a missing sync from the device, and for a job that ended before it was done',
    },
  ],
  [
    'staleInput',
    {
      means: 'the device read the features of an earlier job',
      next: 'look for a missing sync to the device (or barrier) before the job',
    },
  ],
  [
    'earlierPosition',
    {
      means: 'the result is that of the position before',
      next: 'look for a job that did nothing and for a missing sync',
    },
  ],
  [
    'accumulated',
    {
      means: 'the result was added to an older one',
      next: 'look at how accumulators are cleared between chained tasks',
    },
  ],
  [
    'zero',
    {
      means: 'the outputs were never computed: a core or a task that does nothing',
      next: 'look at the core mask, at the task records and whether that core has power',
    },
  ],
  [
    'notFinite',
    {
      means: 'memory that was never written, weights that are no numbers, or an activation beyond FP16',
      next: 'check the weights in memory, then what the job wrote at all',
    },
  ],
  [
    'resultStride',
    {
      means: 'the surface stride of the result is wrong',
      next: 'check DPU DST_SURF_STRIDE and SURFACE_ADD against M',
    },
  ],
  [
    'featureStride',
    {
      means: 'the surface stride of the features is wrong',
      next: 'check CNA DMA_CON1 and DMA_CON2 against M',
    },
  ],
  [
    'neighbourSurface',
    {
      means: 'results land a surface or group away from their place',
      next: 'check the result address of the task, its first row and DST_SURF_STRIDE',
    },
  ],
  [
    'neighbourRow',
    {
      means: 'the rows of a batch are mixed up',
      next: 'check the height fields (DATA_CUBE_HEIGHT, DATAIN_HEIGHT) and how rows are packed and unpacked',
    },
  ],
  [
    'decodeOnly',
    {
      means: 'heights below 4 are wrong on this device',
      next: 'decode with 4 rows: run-npu --rows 4; where M is 4 already, look at the program of that height',
      weak: true,
    },
  ],
  [
    'neighbourChannel',
    {
      means: 'channels are mixed up within a group',
      next: 'check the unpacking of results; with M below 4 only, it is what devices do that cannot compute such heights',
    },
  ],
  [
    'partsSwapped',
    {
      means: 'the outputs of two fused matrices are swapped',
      next: 'look at the weights check; if they are in order, at where results are read',
    },
  ],
  ['rowsMoved', { means: 'outputs stand in the wrong rows', next: 'check the first row of tasks and parts' }],
  [
    'rowsSwapped',
    {
      means: 'rows of weights are swapped',
      next: 'look at the weights check; if they are in order, at the tile order',
    },
  ],
  [
    'fp16Packed',
    {
      means: 'the program writes FP16 where the CPU reads FP32',
      next: 'check the output precision (DPU DATA_FORMAT, BS_OW_CFG, OUT_CVT)',
    },
  ],
  [
    'fp16Output',
    {
      means: 'the results pass through FP16',
      next: 'check the output precision (DPU DATA_FORMAT, OUT_CVT) and how results are read',
    },
  ],
  ['factor', { means: 'the output converter scales', next: 'check DPU OUT_CVT scale and shift' }],
  [
    'offset',
    { means: 'something is added to every result', next: 'check DPU BS_CFG, BN_CFG and OUT_CVT offset' },
  ],
  [
    'stuckBit',
    {
      means: 'one bit of the results is stuck',
      next: 'test the memory of the result buffer; with the same byte of every task, the data path of the device',
    },
  ],
  [
    'columnsMissing',
    {
      means: 'part of the inputs never took part',
      next: 'check K in the program (DATAIN_CHANNEL, DATA_ENTRIES) and the CBUF banks',
    },
  ],
  [
    'batchOnly',
    {
      means: 'only batches are wrong',
      next: 'check what depends on M: surface strides, CBUF banks, the feature grains',
      weak: true,
    },
  ],
  [
    'core',
    {
      means: 'one core is wrong',
      next: 'run with the other cores alone (--cores); check its power domain and clock',
    },
  ],
  [
    'link',
    {
      means: 'chained tasks are wrong',
      next: 'check the chain: next program address, amount, and registers that a task does not set itself',
      weak: true,
    },
  ],
  ['task', { means: 'one task is wrong', next: 'read its program: NPU_DUMP shows it', weak: true }],
  [
    'padding',
    {
      means: 'padding outputs are not zero',
      next: 'check the padding rows of the weights; N of the last task',
      weak: true,
    },
  ],
  [
    'intermittent',
    {
      means: 'the same job gives different results',
      next: 'lower the clock, check the supply, look for a missing sync; --soak shows how often',
    },
  ],
  [
    'sessionOnly',
    {
      means: 'it is wrong in the session and right alone: it depends on what ran before',
      next: 'look at buffers that jobs share, at syncs, and repeat it: it may be intermittent',
    },
  ],
  [
    'embedding',
    {
      means: 'another row of the embedding is read',
      next: "check how a row is gathered from the classifier's tiles",
    },
  ],
  [
    'normMissing',
    { means: 'a norm is left out or loses its weights', next: 'check the step before the matrix' },
  ],
  [
    'normWeights',
    { means: "a norm uses another's weights", next: 'check the offset of the layer in rms_att and rms_ffn' },
  ],
  [
    'residual',
    {
      means: 'the residual stream is not updated as it should be',
      next: 'check the addition after the matrix',
    },
  ],
  ['rope', { means: 'RoPE is wrong', next: 'check base, position and pairing against llama2.c' }],
  ['kvSwapped', { means: 'keys and values are exchanged', next: 'check which part of wqkv goes where' }],
  [
    'kvSlot',
    {
      means: 'the KV cache was overwritten or written to the wrong slot',
      next: 'check positions, layer offsets and who else writes there',
    },
  ],
  ['attention', { means: 'attention is wrong', next: 'check scale, mask and the mapping of heads' }],
  ['activation', { means: 'SwiGLU is wrong', next: 'check the activation and the order of w1 and w3' }],
  [
    'logitsMoved',
    { means: 'the logits returned are not those computed', next: 'check how rows of logits are returned' },
  ],
  [
    'stepUnknown',
    {
      means: 'a step on the CPU is wrong in a way not known here',
      next: 'compare its input and output by hand',
    },
  ],
  [
    'lane',
    {
      means: 'one lane of every group is wrong',
      next: 'a lane of the multipliers or of the output; or the unpacking of results',
      weak: true,
    },
  ],
  [
    'oneOutput',
    {
      means: 'one row of weights or one word of the result is wrong',
      next: 'look at the weights check',
      weak: true,
    },
  ],
  [
    'group',
    {
      means: 'tiles of weights of one group are wrong, or a hole in the result',
      next: 'look at the weights check',
      weak: true,
    },
  ],
  [
    'everyOutput',
    {
      means: 'other weights, other inputs or another program than meant',
      next: 'look at the weights check, then at the program: NPU_DUMP shows it',
      weak: true,
    },
  ],
];
