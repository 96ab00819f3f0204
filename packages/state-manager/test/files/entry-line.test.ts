import { pathFromJson, statEntry, toRawPath, type EntryStat, type RawPath } from '@homeserver/system';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfFileLine, entryOfLine, FileLineStart, lineOf, plainFileOfLine } from '../../src/files/entry-line.ts';
import { capturedEntrySchema } from '../../src/files/file-record.ts';
import { comparePaths } from '../../src/files/path-order.ts';

const sha256 = 'ab'.repeat(32);
const names = { user: () => 'root', group: () => undefined };
const stat = statEntry('/etc/passwd') as EntryStat;
const paths = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map((part) => toRawPath(part).replaceAll(/[\0/]/g, 'x')))
  .map((parts) => `/${parts.join('/')}` as RawPath);

describe('the line of a file', () => {
  it('is JSON of its record, whatever its name', () => {
    const starts = new FileLineStart(names);
    fc.assert(
      fc.property(paths, (path) => {
        const line = starts.of(path, stat) + endOfFileLine({ sha256 }, undefined);
        const entry = capturedEntrySchema.parse(entryOfLine(line));
        expect(entry).toMatchObject({ type: 'file', sha256, size: stat.size, user: 'root', mtime_ns: stat.mtimeNs });
        expect(pathFromJson(entry.path)).toBe(path);
        expect(entryOfLine(lineOf(entry))).toEqual(entry);
      }),
    );
  });

  it('yields path and sum without being parsed, unless there is more to the file', () => {
    const starts = new FileLineStart(names);
    const plain = starts.of('/srv/a' as RawPath, stat) + endOfFileLine({ sha256 }, undefined);
    expect(plainFileOfLine(plain)).toEqual({ path: '/srv/a', sha256 });
    const setuid = starts.of('/srv/a' as RawPath, { ...stat, mode: 0o4755, mtimeNs: '1', ctimeNs: '1' });
    const others = [
      setuid + endOfFileLine({ sha256 }, undefined),
      starts.of('/srv/a' as RawPath, stat) + endOfFileLine({ sha256, sparse: true }, undefined),
      starts.of('/srv/a' as RawPath, stat) + endOfFileLine({ sha256 }, { 'user.x': '' }),
      starts.of('/srv/a\n' as RawPath, stat) + endOfFileLine({ sha256 }, undefined),
      starts.of('/srv/\xff' as RawPath, stat) + endOfFileLine({ sha256 }, undefined),
      lineOf({ type: 'hardlink', path: '/srv/a', same_as: '/srv/b' }),
    ];
    expect(others.map(plainFileOfLine)).toEqual(others.map(() => undefined));
  });

  it('names of several links are remarkable', () => {
    const linked = { ...stat, links: 2, mtimeNs: '1', ctimeNs: '1' };
    const line = new FileLineStart(names).of('/srv/a' as RawPath, linked) + endOfFileLine({ sha256 }, undefined);
    expect(plainFileOfLine(line)).toBeUndefined();
  });
});

describe('the order of paths', () => {
  it('is that in which a tree is walked', () => {
    const walked = ['/a', '/a/x', '/a/x/y', '/a/z', '/a-b', '/a.b', '/aa', '/b'] as RawPath[];
    expect(walked.toReversed().toSorted(comparePaths)).toEqual(walked);
  });

  it('is the order of their components', () => {
    fc.assert(
      fc.property(paths, paths, (one, other) => {
        const [a, b] = [one.split('/'), other.split('/')];
        const at = a.findIndex((part, i) => part !== b[i]);
        const expected = at < 0 ? a.length - b.length : b[at] === undefined ? 1 : (a[at] as string) < b[at] ? -1 : 1;
        expect(Math.sign(comparePaths(one, other))).toBe(Math.sign(expected));
      }),
    );
  });
});
