import { widthOf } from './fit-width.ts';

/** Left-aligned columns, two spaces apart, one line a row; the last column is not padded. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  const pad = (cell: string, column: number): string => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  const lines = all.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : pad(cell, column)))
      .join('  ')
      .trimEnd(),
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  return before + LEAST_LAST_COLUMN <= screenColumns() ? lines : rows.flatMap((row) => stack(header, row));
}

/** Less room is none for the last column, where the sentences are. */
const LEAST_LAST_COLUMN = 16;

/** How wide the terminal is; without one, a line may be as long as it is. */
export function screenColumns(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}

/** A row for a narrow terminal: its name, and below it a line for each of the others. */
function stack(header: readonly string[], [first = '', ...cells]: readonly string[]): string[] {
  return [first, ...cells.map((cell, at) => `  ${header[at + 1]}: ${cell}`)];
}
