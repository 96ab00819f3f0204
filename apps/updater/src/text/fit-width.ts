/* Of East Asian scripts and pictures, which take two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;

/** How many columns a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

/** The text in at most so many columns; one that is cut ends with three dots, where there is room for them. */
export function cutToWidth(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const dots = columns > 3 ? '...' : '';
  let [cut, width] = ['', 0];
  for (const character of text) {
    width += widthOf(character);
    if (width > columns - dots.length) break;
    cut += character;
  }
  return cut + dots;
}

/** The text in lines of at most so many columns, broken at spaces where there are any; all but the first are indented further. */
export function wrapToWidth(text: string, columns: number, indent: number): string[] {
  if (widthOf(text) <= columns) return [text];
  const lead = /^ */.exec(text)?.[0] ?? '';
  const further = ' '.repeat(lead.length + indent < columns / 2 ? lead.length + indent : 0);
  const lines: string[] = [];
  let line = lead;
  let isEmpty = true;
  const add = (word: string): void => {
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  };
  const end = (): void => {
    lines.push(line.trimEnd());
    line = further;
    isEmpty = true;
  };
  for (const word of text.slice(lead.length).split(' ')) {
    if (!isEmpty && widthOf(line) + 1 + widthOf(word) > columns) end();
    add(word);
    for (let fits = overflow(line, columns); fits !== undefined; fits = overflow(line, columns)) {
      const rest = line.slice(fits.length);
      line = fits;
      end();
      add(rest);
    }
  }
  return [...lines, line.trimEnd()];
}

/** As much as fits of a line that does not; undefined of one that does. */
function overflow(line: string, columns: number): string | undefined {
  if (widthOf(line) <= columns) return undefined;
  let [fits, width] = ['', 0];
  for (const character of line) {
    width += widthOf(character);
    if (width > columns && fits !== '') return fits;
    fits += character;
  }
  return undefined;
}
