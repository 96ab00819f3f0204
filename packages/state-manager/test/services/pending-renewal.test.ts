import fs from 'node:fs';
import path from 'node:path';
import { toRawPath } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { clearPending, notePending, notesIn, readPending, renewalAfter } from '../../src/services/pending-renewal.ts';

const nothing = { format: 1, daemon_reload: false, restart: [], reload: [] };

it('what a cut restore left to do is done with what the next one adds', () => {
  const directory = temporaryDirectory();
  expect(readPending(directory)).toEqual(nothing);
  notePending(directory, { daemon_reload: true, restart: ['a.service'] });
  notePending(directory, { restart: ['b.service', 'a.service'], reload: ['c.service'] });
  expect(readPending(directory)).toEqual({
    format: 1,
    daemon_reload: true,
    restart: ['a.service', 'b.service'],
    reload: ['c.service'],
  });
  clearPending(directory);
  expect([readPending(directory), fs.readdirSync(directory)]).toEqual([nothing, []]);
});

it('nothing to do leaves no note', () => {
  const directory = temporaryDirectory();
  notePending(directory, {});
  expect(fs.readdirSync(directory)).toEqual([]);
});

it('a note that cannot be read has systemd read its unit files', () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(path.join(directory, 'services-pending.json'), '{');
  expect(readPending(directory)).toEqual({ ...nothing, daemon_reload: true });
});

it.each([
  ['/etc/systemd/system/a.service', true],
  ['/usr/lib/systemd/system/a.service.d/limits.conf', true],
  ['/etc/systemd-like/a.service', false],
  ['/srv/a.service', false],
])('a restore of %s has systemd read its unit files: %s', (file, expected) => {
  expect(renewalAfter([toRawPath(file)], []).daemon_reload).toBe(expected);
});

describe('on a read-only medium', () => {
  it('is noted elsewhere, in a directory that is made for it', () => {
    const notes = path.join(temporaryDirectory(), 'displaced/site_backup');
    expect(notesIn({ directory: '/media/usb/site_backup' })).toBe('/media/usb/site_backup');
    expect(notesIn({ directory: '/media/usb/site_backup', notes })).toBe(notes);
    notePending(notes, { restart: ['nginx.service'] });
    expect(readPending(notes).restart).toEqual(['nginx.service']);
    clearPending(notes);
    expect(readPending(notes).restart).toEqual([]);
  });
});
