/** A value with its unit, in three or so digits: `57.3 tok/s`, `0.162 s`. */
export function amountText(value: number, unit: string): string {
  if (unit === 'bytes' || unit === 'calls') return `${Math.round(value).toLocaleString('en')} ${unit}`;
  return `${threeDigits(value)} ${unit}`;
}

export function ratioText(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(2) : threeDigits(ratio);
}

export function threeDigits(value: number): string {
  const magnitude = Math.abs(value);
  return value.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3);
}
