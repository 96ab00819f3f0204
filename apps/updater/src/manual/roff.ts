/** The marks of a man page (man(7)). */
export const roff = {
  /** Text that stands as it is, in a line of its own. */
  text: (text: string): string => escape(text),
  bold: (text: string): string => `\\fB${escape(text)}\\fR`,
  italic: (text: string): string => `\\fI${escape(text)}\\fR`,
  section: (title: string): string => `.SH ${title.toUpperCase()}`,
  subsection: (title: string): string => `.SS "${escape(title)}"`,
  /** A tagged paragraph: `tag` is finished roff. */
  entry: (tag: string, text: string): string => `.TP\n${tag}\n${escape(text)}`,
  paragraph: (text: string): string => `.PP\n${escape(text)}`,
  example: (text: string): string => `.PP\n.EX\n${escape(text)}\n.EE`,
} as const;

/** A hyphen that can be copied, no escapes of the text's own, and no line that begins like a request. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('→', '\\(->')
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}
