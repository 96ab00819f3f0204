/** Of the beginning of an id, so many digits say which one was meant; of fewer, any id is near. */
const TELLING_DIGITS = 4;

/** The known name that was probably meant; undefined when none is near enough to be a slip of the hand. */
export function nearestName(asked: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((name) => ({ name, slips: countSlips(asked.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.slips - b.slips);
  return nearest && nearest.slips <= Math.max(1, Math.floor(asked.length / 3)) ? nearest.name : undefined;
}

/** The known id whose beginning was probably meant. */
export function nearestId(asked: string, known: readonly string[]): string | undefined {
  if (asked.length < TELLING_DIGITS) return undefined;
  const beginning = nearestName(
    asked,
    known.map((id) => id.slice(0, asked.length)),
  );
  return beginning === undefined ? undefined : known.find((id) => id.startsWith(beginning));
}

/** For a name that is not known: `did you mean "adblock"? known are: adblock, hotfix`. */
export function hintOfKnown(asked: string, known: readonly string[], are = 'known are'): string {
  const names = [...new Set(known)].sort();
  return `${didYouMean(nearestName(asked, names))}${are}: ${names.join(', ') || 'none'}`;
}

/** `did you mean "adblock"? `, to be followed by what else helps; nothing when nothing is near. */
export function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? '' : `did you mean "${nearest}"? `;
}

/**
 * How many letters are missing, too many, wrong, or have changed places with the next one: the distance known as "optimal
 * string alignment" (Damerau 1964, by the table of Wagner and Fischer 1974).
 */
function countSlips(asked: string, meant: string): number {
  const width = meant.length + 1;
  const table = new Uint32Array((asked.length + 1) * width);
  const at = (row: number, column: number): number => table[row * width + column] ?? 0;
  for (let row = 0; row <= asked.length; row++) {
    for (let column = 0; column < width; column++) {
      table[row * width + column] =
        row === 0 || column === 0
          ? row + column
          : Math.min(
              at(row - 1, column) + 1,
              at(row, column - 1) + 1,
              at(row - 1, column - 1) + (asked[row - 1] === meant[column - 1] ? 0 : 1),
              isSwapped(asked, row, meant, column) ? at(row - 2, column - 2) + 1 : Infinity,
            );
    }
  }
  return at(asked.length, meant.length);
}

function isSwapped(asked: string, row: number, meant: string, column: number): boolean {
  if (row < 2 || column < 2) return false;
  return asked[row - 1] === meant[column - 2] && asked[row - 2] === meant[column - 1];
}
