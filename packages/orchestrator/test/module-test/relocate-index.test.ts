import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { pathsNamed, relocateIndex } from '../../src/module-test/relocate-index.ts';

const metadata = { schema_version: '1.0.0' };

/** The value after it was moved; `ROOT` stands for the scratch root. */
function moved(value: unknown): unknown {
  const root = temporaryDirectory();
  makeTree(root, { etc: { resolver: { 'old.conf': '' } }, srv: { lists: { hosts: '' } } });
  const { configuration } = relocateIndex({ metadata, configuration: { value } }, root);
  return JSON.parse(JSON.stringify((configuration as { value: unknown }).value).replaceAll(root, 'ROOT'));
}

it.each<[string, unknown, unknown]>([
  ['a path', '/etc/motd', 'ROOT/etc/motd'],
  ['paths in lists and objects', [{ paths: ['/opt/a', '/opt/b'] }], [{ paths: ['ROOT/opt/a', 'ROOT/opt/b'] }]],
  ['a path in a command, when it is there', 'test -s /etc/resolver/old.conf', `test -s ROOT/etc/resolver/old.conf`],
  [
    'a path in a command, when its directory is there',
    "grep x '/etc/resolver/new.conf'",
    `grep x 'ROOT/etc/resolver/new.conf'`,
  ],
  [
    'a path in a command, when it is a value elsewhere',
    ['/opt/new.conf', 'test -s /opt/new.conf'],
    ['ROOT/opt/new.conf', 'test -s ROOT/opt/new.conf'],
  ],
  ['the path of a file URL', 'file:///srv/lists/hosts', 'file://ROOT/srv/lists/hosts'],
])('moves %s', (_, given, expected) => {
  expect(moved(given)).toEqual(expected);
});

it.each([
  ['a program of this machine', '/bin/sh'],
  ['a path in a command that is not there', 'cat /var/lib/nothing/here'],
  ['the path of a URL', 'https://example.org/srv/lists/hosts'],
  ['a device', '/dev/null'],
  ['a relative path', 'srv/lists/hosts'],
  ['a number', 3],
])('leaves %s', (_, given) => {
  expect(moved(given)).toEqual(given);
});

it('leaves the metadata, without what would keep the module from running', () => {
  const given = { metadata: { ...metadata, name: 'a', description: '/etc/motd', enabled: false, dependencies: ['b'] } };
  expect(relocateIndex(given, '/scratch')).toEqual({ metadata: { ...metadata, name: 'a', description: '/etc/motd' } });
});

it('names the values that are paths of a server, wherever they are', () => {
  const index = {
    metadata: { ...metadata, description: '/etc/none' },
    pools: [{ operations: [{ destination: '/etc/motd' }], closure: ['cat /etc/hosts'] }],
    configuration: { device: '/dev/null', shell: '/bin/sh', lists: ['/srv/list', 'relative', 3, null] },
  };
  expect(pathsNamed(index)).toEqual(['/etc/motd', '/srv/list']);
});
