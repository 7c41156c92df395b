import { EMBEDDING_TENSOR } from '@npu-llama/format';
import type { FileWeights } from '../file-weights.js';
import { reportFigure, reportRanges, type SignedFinding } from '../finding.js';
import type { ModelWeights } from '../model-weights.js';
import type { Sign } from '../signs/sign.js';

/**
 * Looks at what the CPU reads of the file, norms and embedding: against the checkpoint where there is one, else against the
 * checksums alone.
 */
export function checkTensors(weights: ModelWeights, file: FileWeights): SignedFinding[] {
  const { layerCount, vocabSize, dim } = weights.config;
  const perLayer = (kind: 'rms_att' | 'rms_ffn') => ({
    name: kind,
    vectors: layerCount,
    of: (from: ModelWeights, i: number) => from.norm(kind, i),
  });
  const tensors = [
    perLayer('rms_att'),
    perLayer('rms_ffn'),
    { name: 'rms_final', vectors: 1, of: (from: ModelWeights) => from.rmsFinal() },
    ...(file.hasTensor(EMBEDDING_TENSOR)
      ? [
          {
            name: EMBEDDING_TENSOR,
            vectors: vocabSize,
            of: (from: ModelWeights, i: number) => from.embedding(i),
          },
        ]
      : []),
  ];
  return tensors.flatMap(({ name, vectors, of }) => {
    const intact = file.checksumMatches(name);
    const wrong: number[] = [];
    let different = 0;
    let example: { got: number; wanted: number; output: number } | undefined;
    for (let i = 0; i < vectors; i++) {
      const wanted = of(weights, i);
      const got = of(file, i);
      const before = different;
      for (let k = 0; k < dim; k++) {
        if (Object.is(got[k], wanted[k])) continue;
        different++;
        example ??= { got: got[k]!, wanted: wanted[k]!, output: i };
      }
      if (different > before) wrong.push(i);
    }
    if (different === 0 && intact) return [];
    const sign: Sign = intact
      ? { key: 'fileDiffers', text: "not the checkpoint's, though its checksum is right" }
      : { key: 'fileDamaged', text: "the file's checksum is not that of its bytes" };
    return [
      {
        finding: {
          place: name,
          what: 'weights' as const,
          wrong: different === 0 ? 1 : different,
          of: different === 0 ? 1 : vectors * dim,
          ranges: reportRanges(wrong),
          common: [sign.text],
          ...(example !== undefined && {
            example: {
              output: example.output,
              got: reportFigure(example.got),
              wanted: reportFigure(example.wanted),
              tolerance: 0,
            },
          }),
        },
        signs: [sign],
        positions: [],
      },
    ];
  });
}
