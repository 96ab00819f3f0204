import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfiguredPath } from '../src/check-configured-path.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const refused = (why: RegExp): Error =>
  expect.objectContaining({ code: 'unsafe-path', message: expect.stringMatching(why) as string }) as Error;

function place(...names: string[]): string {
  const directory = path.join(temporaryDirectory(), ...names);
  fs.mkdirSync(directory, { recursive: true });
  return directory;
}

describe('a configured path', () => {
  it('below directories of root and of ourselves is fine, whether it exists or not', () => {
    const directory = place('state');
    expect(() => checkConfiguredPath(directory)).not.toThrow();
    expect(() => checkConfiguredPath(`${directory}/not/yet/there`)).not.toThrow();
    expect(() => checkConfiguredPath('/usr/bin')).not.toThrow();
  });

  it('below a directory like /tmp, where nobody can touch what is not theirs, is fine', () => {
    const sticky = place('sticky');
    fs.mkdirSync(`${sticky}/ours`);
    fs.chmodSync(sticky, 0o1777);
    expect(() => checkConfiguredPath(`${sticky}/ours`)).not.toThrow();
  });

  it('that is itself open to everybody is refused, sticky or not', () => {
    const open = place('open');
    fs.chmodSync(open, 0o1777);
    expect(() => checkConfiguredPath(open)).toThrow(refused(/open can be written to by everybody/));
  });

  it('below a directory that everybody can write to is refused by the name of that directory', () => {
    const open = place('open');
    fs.chmodSync(open, 0o777);
    expect(() => checkConfiguredPath(`${open}/state/repo`)).toThrow(
      refused(/refused .*state\/repo: .*open can be written/),
    );
  });

  it('through a symlink is refused, also where the link is the path itself', () => {
    const directory = place('real');
    fs.symlinkSync(directory, `${directory}/../link`);
    const link = path.join(path.dirname(directory), 'link');
    expect(() => checkConfiguredPath(link)).toThrow(refused(/link is a symlink/));
    expect(() => checkConfiguredPath(`${link}/state`)).toThrow(refused(/link is a symlink/));
  });

  it('is refused where a group with members can write, and fine where the group is root', () => {
    const shared = place('shared');
    fs.chmodSync(shared, 0o775);
    if (process.getuid?.() === 0) {
      expect(() => checkConfiguredPath(shared)).not.toThrow();
      const [, , gid] = fs
        .readFileSync('/etc/group', 'utf8')
        .split('\n')
        .map((line) => line.split(':'))
        .find(([name]) => name === 'daemon') as [string, string, string]; // The primary group of a user.
      fs.chownSync(shared, 0, Number(gid));
      expect(() => checkConfiguredPath(shared)).toThrow(refused(/can be written to by its group/));
    } else {
      process.stderr.write('LEFT OUT: a directory of another group; only root can give one away. Run it as root.\n');
      expect(() => checkConfiguredPath('/usr/lib')).not.toThrow();
    }
  });

  it('of somebody else is refused', () => {
    if (process.getuid?.() === 0) {
      const theirs = place('theirs');
      fs.chownSync(theirs, 4242, 4242);
      expect(() => checkConfiguredPath(`${theirs}/x`)).toThrow(refused(/theirs belongs to uid 4242/));
    } else {
      process.stderr.write('LEFT OUT: a directory of somebody else; only root can give one away. Run it as root.\n');
      expect(() => checkConfiguredPath('/usr/bin')).not.toThrow();
    }
  });
});
