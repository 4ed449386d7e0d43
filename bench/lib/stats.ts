/** The middle of the values; of an even number of them the mean of the middle two. @throws when there are none */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error('a median needs at least one value');
  return (lower + upper) / 2;
}

/** Ratio of two medians in the sense of the goal: times as ours ÷ peer, speeds as peer's time ÷ our time. */
export function ratio(
  kind: 'at-most' | 'at-least',
  ours: readonly number[],
  peer: readonly number[],
): number {
  return kind === 'at-most' ? median(ours) / median(peer) : median(peer) / median(ours);
}
