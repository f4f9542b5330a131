// Suggests the word that a user meant: the one most similar to the typed word.

/**
 * The candidate most similar to a word. Leading dashes and case do not count.
 *
 * @returns undefined if none is similar: more than a third of the word would have to change, or more than two
 *   characters.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const bare = (text: string) => text.replace(/^-+/, '').toLowerCase();
  const typed = bare(word);
  const limit = Math.min(2, Math.floor((typed.length + 1) / 3));
  let found: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    const count = changes(typed, bare(candidate));
    if (count < least) [found, least] = [candidate, count];
  }
  return found;
}

/**
 * How many characters must be added, removed, replaced, or swapped with their neighbour, to turn one text
 * into the other.
 *
 * @see the "optimal string alignment" distance: Damerau's, but no part changes twice
 */
export function changes(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
