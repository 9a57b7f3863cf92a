/** Guesses what somebody meant to type: for keys in a configuration, commands and flags. */

/** The word closest to `typed`, if any is close enough that a person would have meant it. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase();
  const close = words
    .map((word) => ({ word, steps: distance(wanted, word.toLowerCase()) }))
    .filter(({ word, steps }) => steps <= Math.max(1, Math.floor(word.length / 3)))
    .sort((one, other) => one.steps - other.steps);
  return close[0]?.word;
}

/** `, did you mean idleSeconds?` or nothing. */
export function suggestion(typed: string, words: readonly string[]): string {
  const word = nearest(typed, words);
  return word === undefined ? "" : `, did you mean ${word}?`;
}

/** Insertions, deletions, substitutions and swapped neighbours (optimal string alignment). */
function distance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  const cell = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= one.length; row += 1) {
    rows[row] = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      let steps = Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + (same ? 0 : 1),
      );
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped && row > 1 && column > 1) steps = Math.min(steps, cell(row - 2, column - 2) + 1);
      rows[row]![column] = steps;
    }
  }
  return cell(one.length, other.length);
}
