import fs from 'node:fs';

/** Whether a stream goes to the journal of systemd: by $JOURNAL_STREAM, as systemd.exec(5) describes it. */
export function isJournal(stream: NodeJS.WritableStream | number): boolean {
  const fd = typeof stream === 'number' ? stream : (stream as { fd?: unknown }).fd;
  const journal = process.env['JOURNAL_STREAM'];
  if (typeof fd !== 'number' || journal === undefined) return false;
  try {
    const { dev, ino } = fs.fstatSync(fd, { bigint: true });
    return journal === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
