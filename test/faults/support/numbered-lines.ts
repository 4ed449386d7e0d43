/** What a log says of the numbered lines of the restless app. */
export interface LineCount {
  /** Numbers that are missing below one that is there, or that an answer told of. */
  readonly lost: number;
  /** Lines that are there a second time, or behind a later one. */
  readonly repeated: number;
}

/**
 * Counts lines `line INSTANCE NUMBER` of a log.
 * @param texts the log, oldest line first
 * @param acknowledged the number up to which each instance had said that its lines are written
 * @param before number of the last line of each instance that was there when counting began; 0 unless given
 */
export function countLines(
  texts: readonly string[],
  acknowledged: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number> = new Map(),
): LineCount {
  const last = new Map(before);
  let lost = 0;
  let repeated = 0;
  for (const text of texts) {
    const [, instance, digits] = /^line (\w+) (\d+)$/.exec(text) ?? [];
    if (instance === undefined) continue;
    const number = Number(digits);
    const expected = (last.get(instance) ?? 0) + 1;
    if (number < expected) repeated += 1;
    else {
      lost += number - expected;
      last.set(instance, number);
    }
  }
  for (const [instance, number] of acknowledged) lost += Math.max(0, number - (last.get(instance) ?? 0));
  return { lost, repeated };
}

/** The number of the last line of each instance. */
export function lastNumbers(texts: readonly string[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const text of texts) {
    const [, instance, digits] = /^line (\w+) (\d+)$/.exec(text) ?? [];
    if (instance !== undefined) last.set(instance, Math.max(Number(digits), last.get(instance) ?? 0));
  }
  return last;
}
