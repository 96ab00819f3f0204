import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { lintHotfixes } from '../../src/index.ts';

const metadata = { schema_version: '1.0.0' };

/** `line:column severity field: message` of each finding. */
function lint(document: unknown, sources: Record<string, string> = { a: 'a' }): string[] {
  const directory = temporaryDirectory();
  makeTree(directory, { src: sources });
  const text = typeof document === 'string' ? document : JSON.stringify(document, undefined, 2);
  fs.writeFileSync(path.join(directory, 'index.json'), text);
  return lintHotfixes(directory).map(
    ({ line, column, severity, field, message }) => `${line}:${column} ${severity} ${field}: ${message}`,
  );
}

const pool = (more: object = {}) => ({
  id: 'web',
  operations: [{ target: 'a', destination: '/srv/a' }],
  closure: ['grep -q a /srv/a'],
  ...more,
});

describe('a document of pools', () => {
  it('that is right has nothing to be said of', () => expect(lint({ metadata, pools: [pool()] })).toEqual([]));

  it('is told where it is not JSON', () => {
    expect(lint('{\n  "metadata": {},\n  "pools": [,]\n}')).toEqual(['3:13 error : is not JSON: ValueExpected']);
  });

  it('is told each wrong field where it stands', () => {
    const findings = lint({ metadata: { schema_version: '1.2' }, pools: [pool({ id: 'Web', operations: [] })] });
    expect(findings).toEqual([
      expect.stringMatching(/^3:5 error metadata\.schema_version: must be a version like/),
      expect.stringMatching(/^7:7 error pools\[0\]\.id: must be 1 to 50/),
      expect.stringMatching(/^8:7 error pools\[0\]\.operations: must have at least one operation/),
    ]);
  });

  it.each<[string, object[], string[]]>([
    [
      'an unknown field',
      [pool({ closures: ['x'] })],
      ['17:7 warning pools[0].closures: is not a known key; it is ignored'],
    ],
    [
      'a source that is missing',
      [pool({ operations: [{ target: 'src/gone', destination: '/srv/a' }] })],
      ['10:11 error pools[0].operations[0].target: "src/gone" does not exist in SRC'],
    ],
    [
      'a destination that cannot be written',
      [pool({ operations: [{ target: 'a', destination: '/proc/x' }] })],
      ['11:11 error pools[0].operations[0].destination: "/proc/x" lies in /proc, where pools must not write'],
    ],
    [
      'a destination that another pool has',
      [pool(), pool({ id: 'other' })],
      ['23:11 error pools[1].operations[0].destination: "/srv/a" is a destination of pool web already'],
    ],
    [
      'a closure that proves nothing',
      [pool({ closure: ['cd /srv'] })],
      ['14:7 warning pools[0].closure: proves nothing: no command of it can fail when the fix does not work'],
    ],
    [
      'no closure',
      [pool({ closure: [] })],
      ['14:7 warning pools[0].closure: proves nothing: no command of it can fail when the fix does not work'],
    ],
    [
      'a lone cd at the beginning',
      [pool({ closure: ['cd /srv/app', 'npm run build'] })],
      ['15:9 note pools[0].closure[0]: the lines below run in /srv/app'],
    ],
    [
      'a cd without a place, and one to a relative one',
      [pool({ closure: ['cd', 'cd app', 'make'] })],
      [
        '15:9 warning pools[0].closure[0]: cd alone goes to the home directory of root: say where to',
        '16:9 warning pools[0].closure[1]: cd app starts from /, or from the cd before: write an absolute path',
      ],
    ],
  ])('is told %s', (_, pools, expected) => {
    const found = lint({ metadata, pools }).map((line) => line.replace(/in \/.*\/src$/, 'in SRC'));
    expect(found).toEqual(expected);
  });
});

describe('a document of operations', () => {
  const script = { id: 'x', type: 'execute', source: 'a', rollback_script: 'a' };

  it('that is right has nothing to be said of', () => expect(lint({ metadata, operations: [script] })).toEqual([]));

  it.each<[string, object[], string[]]>([
    [
      'a source that is missing',
      [{ ...script, source: 'gone' }],
      ['9:7 error operations[0].source: "gone" does not exist in SRC'],
    ],
    [
      'a script that cannot be taken back',
      [{ id: 'x', type: 'execute', source: 'a' }],
      [
        '6:5 warning operations[0]: has no rollback_script: what its script does outside of the targets cannot be taken back',
      ],
    ],
    [
      'a dependency that does not exist',
      [{ ...script, dependencies: ['gone'] }],
      ['12:9 error operations[0].dependencies[0]: there is no operation "gone"'],
    ],
    [
      'a target that is relative',
      [{ id: 'x', type: 'copy', source: 'a', target: 'etc/x' }],
      ['10:7 error operations[0].target: "etc/x" must be an absolute path'],
    ],
    [
      'a type that does not exist',
      [{ ...script, type: 'move' }],
      [expect.stringMatching(/^8:7 error operations\[0\]\.type: /)],
    ],
  ])('is told %s', (_, operations, expected) => {
    const found = lint({ metadata, operations }).map((line) => line.replace(/in \/.*\/src$/, 'in SRC'));
    expect(found).toEqual(expected);
  });
});

it('both kinds in one document are refused', () => {
  expect(lint({ metadata, pools: [], operations: [] })).toEqual([
    '6:3 error operations: cannot stand beside pools: use one of the two',
  ]);
});

it('a directory without a document is an error that names it', () => {
  expect(() => lintHotfixes('/nowhere')).toThrow('cannot read /nowhere/index.json: ENOENT');
});
