const BEGIN = '<!-- Recorded by: npm run record -->';
const END = '<!-- End of the recordings -->';

/** The recordings that a README has; undefined when it has no place for them. */
export function recordingsIn(readme: string): string | undefined {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  return from < 0 || to < from ? undefined : readme.slice(from + BEGIN.length, to).trim();
}

/** The README with other recordings. Throws when it has no place for them. */
export function withRecordings(readme: string, recordings: string): string {
  const before = recordingsIn(readme);
  if (before === undefined) throw new Error(`the README has no lines ${BEGIN} and ${END}`);
  const [head = ''] = readme.split(BEGIN);
  const tail = readme.slice(readme.indexOf(END));
  return `${head}${BEGIN}\n\n${recordings.trim()}\n\n${tail}`;
}
