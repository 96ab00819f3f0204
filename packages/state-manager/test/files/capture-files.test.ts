import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { makeFifo, runCommand, setTimes, toRawPath } from '@homeserver/system';
import { file, hardlink, link } from '@homeserver/test-support';
import { describe, expect, it, onTestFinished } from 'vitest';
import { captureFiles } from '../../src/files/capture-files.ts';
import { capturedFilesSchema, type CapturedEntry } from '../../src/files/file-record.ts';
import { captureBackup, recorded, scene, type FilesBackup } from '../scene.ts';

const entry = (backup: FilesBackup, at: string | Uint8Array): CapturedEntry | undefined => {
  const wanted = JSON.stringify(recorded(at));
  return backup.captured.entries.find((one) => JSON.stringify(one.path) === wanted);
};

describe('the record', () => {
  it('has one entry for each thing, parents before children, and survives JSON', () => {
    const here = scene({ b: { d: 'x', c: {} }, a: link('b') });
    const { captured } = captureBackup(here, { paths: [here.live] });
    expect(captured.entries.map(({ type, path: at }) => [type, String(at).slice(here.live.length)])).toEqual([
      ['directory', ''],
      ['symlink', '/a'],
      ['directory', '/b'],
      ['directory', '/b/c'],
      ['file', '/b/d'],
    ]);
    expect(capturedFilesSchema.parse(JSON.parse(JSON.stringify(captured)))).toEqual(captured);
  });

  it('has content, owner, mode and time of a file', () => {
    const here = scene({ tool: file('run me', 0o6751) });
    setTimes(here.at('tool'), 0n, -1_500_000_001n);
    const { uid, gid } = fs.statSync(here.at('tool'));
    expect(entry(captureBackup(here, { paths: [here.live] }), here.at('tool'))).toMatchObject({
      type: 'file',
      mode: 0o6751,
      uid,
      gid,
      size: 6,
      sha256: createHash('sha256').update('run me').digest('hex'),
      mtime_ns: '-1500000001',
    });
  });

  it('has the account names of this machine', () => {
    const here = scene({ own: 'x' });
    const { uid } = fs.statSync(here.at('own'));
    const name = fs
      .readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.split(':')[2] === String(uid))
      ?.split(':')[0];
    const one = entry(captureBackup(here, { paths: [here.at('own')] }), here.at('own'));
    expect(one !== undefined && 'user' in one ? one.user : undefined).toBe(name);
  });

  it('keeps names and link targets that are not UTF-8', () => {
    const here = scene();
    const name = Buffer.concat([Buffer.from(`${here.live}/`), Buffer.of(0x66, 0xff, 0x0a, 0x20)]);
    fs.writeFileSync(name, 'x');
    const target = Buffer.of(0xfe, 0x2f, 0xfd);
    fs.symlinkSync(target, here.at('to'));
    const backup = captureBackup(here, { paths: [here.live] });
    expect(entry(backup, name)).toMatchObject({ type: 'file', path: { base64: name.toString('base64') } });
    expect(entry(backup, here.at('to'))).toMatchObject({
      type: 'symlink',
      target: { base64: target.toString('base64') },
    });
  });

  it('names the first of several hardlinks, also across the paths that were asked for', () => {
    const here = scene({ a: { one: 'same' }, b: { two: hardlink('a/one') } });
    const backup = captureBackup(here, { paths: [here.at('b'), here.at('a')] });
    expect(entry(backup, here.at('a/one'))).toMatchObject({ type: 'file', links: 2 });
    expect(entry(backup, here.at('b/two'))).toEqual({
      type: 'hardlink',
      path: here.at('b/two'),
      same_as: here.at('a/one'),
    });
  });

  it('has a FIFO without opening it', () => {
    const here = scene();
    makeFifo(here.at('pipe'), 0o600);
    expect(entry(captureBackup(here, { paths: [here.live] }), here.at('pipe'))).toMatchObject({
      type: 'fifo',
      mode: 0o600,
    });
  });

  it('has a link that was asked for as a link, even to a directory', () => {
    const here = scene({ real: { x: '' }, short: link('real') });
    const { captured } = captureBackup(here, { paths: [`${here.at('short')}/`] });
    expect(captured.entries).toMatchObject([{ type: 'symlink', target: 'real' }]);
  });

  it('has what is absent, and warns when its directory is absent too', () => {
    const here = scene();
    const backup = captureBackup(here, { paths: [here.at('later'), here.at('typo/x/file')] });
    expect(backup.captured.entries).toEqual([
      { type: 'absent', path: here.at('later') },
      { type: 'absent', path: here.at('typo/x/file') },
    ]);
    expect(backup.captured.absent_parents).toEqual([here.at('typo'), here.at('typo/x')]);
    expect(here.said).toEqual([
      `warn ${here.at('typo/x/file')} does not exist, nor does ${here.at('typo')}: is the path right?`,
    ]);
  });

  it('has the directories above, to make them again', () => {
    const here = scene({ a: { b: '' } });
    fs.chmodSync(here.at('a'), 0o750);
    const { captured } = captureBackup(here, { paths: [here.at('a/b')] });
    expect(captured.parents.at(-1)).toMatchObject({ path: here.at('a'), mode: 0o750 });
  });
});

const copy = (backup: FilesBackup, original: string): string => path.join(backup.directory, 'files', original);

const facts = (at: string): unknown => {
  const { mode, uid, gid, mtimeNs } = fs.lstatSync(at, { bigint: true });
  return { mode, uid, gid, mtimeNs };
};

describe('the copy', () => {
  it('can be put back by hand: content, mode, owner, time and links are true', () => {
    const here = scene({ dir: { file: file('x', 0o640), to: link('file') } });
    fs.chmodSync(here.at('dir'), 0o750);
    setTimes(here.at('dir/file'), 5n, 123_456_789_987_654_321n);
    setTimes(here.at('dir'), 5n, 1_000_000_007n);
    const backup = captureBackup(here, { paths: [here.live] });
    for (const name of ['dir', 'dir/file']) expect(facts(copy(backup, here.at(name)))).toEqual(facts(here.at(name)));
    expect(fs.readlinkSync(copy(backup, here.at('dir/to')))).toBe('file');
  });

  it('never has setuid or setgid', () => {
    const here = scene({ tool: file('x', 0o6755), dir: {} });
    fs.chmodSync(here.at('dir'), 0o3777);
    const backup = captureBackup(here, { paths: [here.live] });
    expect(fs.statSync(copy(backup, here.at('tool'))).mode & 0o7777).toBe(0o755);
    expect(fs.statSync(copy(backup, here.at('dir'))).mode & 0o7777).toBe(0o1777);
  });

  it('shares no inode with the live file or with another copy', () => {
    const here = scene({ one: 'x', two: hardlink('one') });
    const backup = captureBackup(here, { paths: [here.live] });
    expect(fs.statSync(copy(backup, here.at('one')))).toMatchObject({ nlink: 1 });
    expect(fs.existsSync(copy(backup, here.at('two')))).toBe(false);
    expect(fs.statSync(here.at('one')).nlink).toBe(2);
  });
});

const refusal = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'cannot-capture', message: expect.stringMatching(message) as string });

describe('what could not be put back is refused now', () => {
  it('a socket', async () => {
    const here = scene({ run: {} });
    const server = net.createServer().listen(here.at('run/s'));
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    expect(() => captureBackup(here, { paths: [here.live] })).toThrow(refusal(/run\/s: it is a socket/));
  });

  it('a file that has another name outside, unless that is allowed', () => {
    const here = scene({ inside: { file: 'x' }, outside: { name: hardlink('inside/file') } });
    expect(() => captureBackup(here, { paths: [here.at('inside')] })).toThrow(
      refusal(/inside\/file: it has 1 more name\(s\) outside/),
    );
    const allowed = captureBackup(here, { paths: [here.at('inside')], allowOutsideHardlinks: true });
    expect(entry(allowed, here.at('inside/file'))).toMatchObject({ type: 'file', links: 2 });
  });

  it('a file that something is mounted on', () => {
    const here = scene({ 'resolv.conf': '' });
    const context = { directory: fs.mkdtempSync(path.join(here.root, 'b-')), forbidden: [], logger: here.logger };
    const mounted = new Set([toRawPath(here.at('resolv.conf'))]);
    expect(() => captureFiles({ paths: [here.live] }, context, mounted)).toThrow(refusal(/something is mounted on it/));
  });

  it('a file that does not hold still', async () => {
    const here = scene({ log: 'x'.repeat(48 * 1024 * 1024) });
    const stop = new AbortController();
    const writing = runCommand(['sh', '-c', 'while :; do echo line; done >> "$0"', here.at('log')], {
      signal: stop.signal,
      killGraceMs: 1,
    });
    onTestFinished(async () => {
      stop.abort();
      await writing;
    });
    while (fs.statSync(here.at('log')).size === 48 * 1024 * 1024)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(() => captureBackup(here, { paths: [here.at('log')] })).toThrow(
      refusal(/log: it changes while it is being read/),
    );
  });

  it('an entry of somebody else, by an ordinary user', () => {
    const here = scene();
    const user = process.getuid?.() || 65_534;
    fs.chownSync(here.root, user, process.getgid?.() ?? 0);
    process.seteuid?.(user);
    onTestFinished(() => process.seteuid?.(process.getuid?.() ?? 0));
    expect(() => captureBackup(here, { paths: ['/etc/passwd'] })).toThrow(
      refusal(/etc\/passwd: only root could give it back to uid 0/),
    );
  });
});

describe('a mount point below a captured directory', () => {
  it('is recorded, and what is in it is not', () => {
    const here = scene({ disk: { movie: 'x' }, rest: '' });
    const context = { directory: fs.mkdtempSync(path.join(here.root, 'b-')), forbidden: [], logger: here.logger };
    const captured = captureFiles({ paths: [here.live] }, context, new Set([toRawPath(here.at('disk'))]));
    expect([...captured.entries]).toMatchObject([
      { path: here.live },
      { path: here.at('disk'), mount_point: true },
      { path: here.at('rest') },
    ]);
  });

  it('is captured when it is what was asked for', () => {
    const here = scene({ disk: { movie: 'x' } });
    const context = { directory: fs.mkdtempSync(path.join(here.root, 'b-')), forbidden: [], logger: here.logger };
    const captured = captureFiles({ paths: [here.at('disk')] }, context, new Set([toRawPath(here.at('disk'))]));
    expect([...captured.entries]).toMatchObject([
      { path: here.at('disk'), mount_point: true },
      { path: here.at('disk/movie') },
    ]);
  });
});
