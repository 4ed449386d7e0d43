/**
 * How well a text answers to what was typed: letters in order, better when they begin words or stand together.
 * Null when they are not all there.
 */
export function fuzzyScore(typed: string, text: string): number | null {
  const wanted = typed.toLowerCase().replaceAll(' ', '');
  const within = text.toLowerCase();
  let score = 0;
  let at = -1;
  for (const letter of wanted) {
    const found = within.indexOf(letter, at + 1);
    if (found < 0) return null;
    const beginsWord = found === 0 || /[\s:_./-]/.test(within[found - 1] ?? '');
    score += found === at + 1 ? 5 : beginsWord ? 4 : 1;
    score -= Math.min(3, (found - at - 1) * 0.1);
    at = found;
  }
  return score - within.length * 0.01;
}
