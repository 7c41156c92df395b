import type { StepOutcome } from './check-norm.js';
import { exactGate, type GateFunction } from './exact-steps.js';
import { judgeStep, stepMatches } from './judge-step.js';

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
/** GELU in its usual approximation by tanh. */
const gelu = (z: number): number =>
  0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));

/** Ways to get SwiGLU wrong. */
const GUESSES: readonly (readonly [text: string, combine: GateFunction])[] = [
  ['the SiLU is left out', (gate, up) => gate * up],
  ["w1's and w3's outputs are swapped", (gate, up) => up * sigmoid(up) * gate],
  ["w3's outputs are left out", gate => gate * sigmoid(gate)],
  ["w1's outputs as they are", gate => gate],
  ["w3's outputs as they are", (_, up) => up],
  ['a sigmoid instead of the SiLU', (gate, up) => sigmoid(gate) * up],
  ['a GELU instead of the SiLU', (gate, up) => gelu(gate) * up],
  ['a ReLU instead of the SiLU', (gate, up) => Math.max(0, gate) * up],
];

/** Checks silu(w1 x) * (w3 x), from what the products gave. All [hiddenDim] f32. */
export function checkGate(
  gate: Float32Array,
  up: Float32Array,
  got: Float32Array,
  tolerance: number,
): StepOutcome {
  const exact = exactGate(gate, up);
  const judgement = judgeStep(got, exact, tolerance);
  const outcome = { ...judgement, ...exact };
  if (judgement.wrong.length === 0) return outcome;
  const guess = GUESSES.find(([, combine]) => stepMatches(got, exactGate(gate, up, combine), tolerance));
  return { ...outcome, sign: { key: 'activation', text: guess?.[0] ?? 'like nothing known' } };
}
