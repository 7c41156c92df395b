import { CheckpointFile, floatToHalf, halfToFloat, headSize, kvDim } from '@npu-llama/format';

type Vector = Float64Array<ArrayBuffer>;

const half = (value: number): number => halfToFloat(floatToHalf(value));

/**
 * The model straight from llama2.c's formulas, in doubles, without a cache: all positions, layer by layer. Weights and the
 * inputs of every matrix are rounded to FP16, since that is what the NPU multiplies.
 * @returns [tokens.length][vocabSize] logits
 */
export function naiveForward(checkpointPath: string, tokens: readonly number[]): Vector[] {
  using file = CheckpointFile.open(checkpointPath);
  const { config, sharedClassifier } = file.layout;
  const { dim, hiddenDim, layerCount, headCount, vocabSize } = config;
  const size = headSize(config);
  const kv = kvDim(config);
  const weights = (name: string): Vector => Float64Array.from(file.readAll(name), half);
  const exact = (name: string): Vector => Float64Array.from(file.readAll(name));

  const embedding = weights('token_embedding');
  let stream = tokens.map(token => embedding.slice(token * dim, (token + 1) * dim));
  for (let layer = 0; layer < layerCount; layer++) {
    const of = (name: string): string => `layers.${layer}.${name}`;
    const attNorm = exact(of('rms_att'));
    const normed = stream.map(x => norm(x, attNorm));
    const queries = multiply(weights(of('wq')), normed, dim).map((q, position) => rotate(q, position, size));
    const keys = multiply(weights(of('wk')), normed, kv).map((k, position) => rotate(k, position, size));
    const values = multiply(weights(of('wv')), normed, kv);
    const attended = queries.map((query, position) => {
      const out = new Float64Array(dim);
      for (let head = 0; head < headCount; head++) {
        const at = head * size;
        const kvAt = Math.floor(head / (dim / kv)) * size;
        const powers = Array.from({ length: position + 1 }, (_, t) => {
          let dot = 0;
          for (let i = 0; i < size; i++) dot += query[at + i]! * keys[t]![kvAt + i]!;
          return Math.exp(dot / Math.sqrt(size));
        });
        const sum = powers.reduce((a, b) => a + b, 0);
        for (let i = 0; i < size; i++) {
          out[at + i] = powers.reduce((total, power, t) => total + (power / sum) * values[t]![kvAt + i]!, 0);
        }
      }
      return out;
    });
    stream = add(stream, multiply(weights(of('wo')), attended, dim));

    const ffnNorm = exact(of('rms_ffn'));
    const inputs = stream.map(x => norm(x, ffnNorm));
    const gates = multiply(weights(of('w1')), inputs, hiddenDim);
    const ups = multiply(weights(of('w3')), inputs, hiddenDim);
    const hidden = gates.map((gate, row) => gate.map((z, i) => (z / (1 + Math.exp(-z))) * ups[row]![i]!));
    stream = add(stream, multiply(weights(of('w2')), hidden, dim));
  }
  const finalNorm = exact('rms_final');
  const classifier = sharedClassifier ? embedding : weights('wcls');
  return multiply(
    classifier,
    stream.map(x => norm(x, finalNorm)),
    vocabSize,
  );
}

/** [outputs][inputs] times each row. */
function multiply(matrix: Vector, rows: readonly Vector[], outputs: number): Vector[] {
  return rows.map(row => {
    const inputs = row.map(half);
    const out = new Float64Array(outputs);
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      const at = n * inputs.length;
      for (let k = 0; k < inputs.length; k++) sum += matrix[at + k]! * inputs[k]!;
      out[n] = sum;
    }
    return out;
  });
}

function norm(x: Vector, weight: Vector): Vector {
  const squares = x.reduce((sum, value) => sum + value * value, 0);
  const scale = 1 / Math.sqrt(squares / x.length + 1e-5);
  return x.map((value, i) => value * scale * weight[i]!);
}

function rotate(vector: Vector, position: number, size: number): Vector {
  return vector.map((value, i) => {
    const angle = position * 10000 ** ((-2 * Math.floor((i % size) / 2)) / size);
    const other = i % 2 === 0 ? -vector[i + 1]! : vector[i - 1]!;
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

function add(a: readonly Vector[], b: readonly Vector[]): Vector[] {
  return a.map((row, i) => row.map((value, j) => value + b[i]![j]!));
}
