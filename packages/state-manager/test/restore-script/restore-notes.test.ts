import { toRawPath } from '@homeserver/system';
import { describe, expect, it } from 'vitest';
import type { CapturedFile } from '../../src/files/file-record.ts';
import { RestoreNotes } from '../../src/restore-script/restore-notes.ts';

const file: CapturedFile = {
  type: 'file',
  path: "/srv/it's",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime_ns: '0',
  size: 0,
  sha256: '0'.repeat(64),
  ctime_ns: '0',
  ino: '1',
};

const textsOf = (...entries: CapturedFile[]): string[] => {
  const notes = new RestoreNotes();
  for (const entry of entries) notes.add(toRawPath("/srv/it's"), entry);
  return notes
    .all({ files: { roots: [], entries, parents: [], absent_parents: [], room: [], started_ns: '0' } }, '/nowhere')
    .map(({ kind, text }) => `${kind} ${text}`);
};

describe('what restore.sh says that it cannot put back', () => {
  it('is little for plain files', () => {
    expect(textsOf(file)).toHaveLength(2);
  });

  it('names capabilities with the command that gives them back, and counts attributes and outside names', () => {
    const capable = { ...file, xattrs: { 'security.capability': 'AQAAAg==' } };
    expect(textsOf(capable, { ...file, xattrs: { 'user.x': '' } }, { ...file, links: 2 }).slice(2)).toEqual([
      'note - extended attributes and ACLs of 2: the cp of GNU brings them back, that of busybox does not',
      'note - a capability; afterwards, type:',
      String.raw`type setfattr -n security.capability -v 0sAQAAAg== -- '/srv/it'\''s'`,
      'note - names outside that 1 of the files had: they stay connected with what was there',
    ]);
  });
});
