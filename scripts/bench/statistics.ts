/** Figures of many measurements. */
export interface Spread {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** The nearest-rank percentiles. Throws when there is nothing to measure: a figure of nothing would be a lie. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('nothing arrived: there is nothing to measure');
  const sorted = Float64Array.from(values).sort();
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) };
}
