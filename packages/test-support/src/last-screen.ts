/** What stands on the terminal in the end, without colours. Throws for what it cannot follow. */
export function lastScreen(written: string): string[] {
  const lines = [''];
  let [row, column] = [0, 0];
  const put = (text: string): void => {
    const line = (lines[row] ?? '').padEnd(column);
    lines[row] = line.slice(0, column) + text + line.slice(column + text.length);
    column += text.length;
  };
  for (const part of written.match(/\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+/g) ?? []) {
    if (part === '\r') column = 0;
    else if (part === '\n') {
      [row, column] = [row + 1, 0];
      lines[row] ??= '';
    } else if (/^\x1b\[\d*A$/.test(part)) row -= Number(/\d+/.exec(part)?.[0] ?? 1);
    else if (part === '\x1b[J') lines.splice(row, lines.length, (lines[row] ?? '').slice(0, column));
    else if (part === '\x1b[K') lines[row] = (lines[row] ?? '').slice(0, column);
    else if (!part.startsWith('\x1b')) put(part);
    else if (!/^\x1b\[[\d;]*m$/.test(part)) throw new Error(`this terminal does not know ${JSON.stringify(part)}`);
  }
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
