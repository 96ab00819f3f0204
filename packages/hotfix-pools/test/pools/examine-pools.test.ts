import fs from 'node:fs';
import path from 'node:path';
import { makeFifo } from '@homeserver/system';
import { link } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { endings, Server } from '../server.ts';

interface BadOperation {
  target?: string;
  destination?: string;
}

/**
 * Applies a good pool and, for each bad operation, a pool with a good operation before it. Nothing of the bad ones may
 * happen. Returns the reason of each, from the field's name on.
 */
async function reasonsFor(server: Server, bad: readonly BadOperation[]): Promise<string[]> {
  server.source('a', 'A');
  const to = (name: string) => ({ target: 'a', destination: path.join(server.live, name) });
  const pools = bad.map((operation, at) => ({
    id: `bad${at}`,
    operations: [to(`fine${at}`), { ...to(`bad${at}`), ...operation }],
    closure: [`touch ${server.live}/closure-ran`],
  }));
  server.document({
    metadata: { schema_version: '1.0.0' },
    pools: [{ id: 'good', operations: [to('good')] }, ...pools],
  });
  const before = server.describe();
  const report = await server.apply();
  expect(endings(report)).toEqual(['good: applied', ...pools.map(({ id }) => `${id}: refused`)]);
  expect(server.describe().filter((line) => !line.startsWith('./good '))).toEqual(before);
  return report.pools.slice(1).map(({ reason }, at) => {
    const field = `cannot use ${path.join(server.module, 'index.json')}: pools[${at + 1}].operations[1].`;
    expect(reason.slice(0, field.length)).toBe(field);
    return reason.slice(field.length);
  });
}

it('a bad target refuses its pool alone, in one line that names file and field', async () => {
  const server = new Server();
  const src = path.join(server.module, 'src');
  fs.mkdirSync(path.join(src, 'folder'));
  fs.mkdirSync(path.join(server.root, 'outside'));
  fs.writeFileSync(path.join(server.root, 'outside/secret'), 'secret');
  makeFifo(path.join(src, 'fifo'), 0o600);
  server.source('out', link('../../outside/secret'));
  server.source('way', link('../../outside'));
  const cases: [target: string, why: string][] = [
    ['../index.json', '"../index.json" must be written without "." and ".."'],
    ['src/../../etc/passwd', '"src/../../etc/passwd" must be written without "." and ".."'],
    ['./a', '"./a" must be written without "." and ".."'],
    ['..', '".." must be written without "." and ".."'],
    ['/etc/passwd', '"/etc/passwd" must be relative to src/'],
    ['', '"" is no file name'],
    ['src/', '"src/" is no file name'],
    ['a\0b', '"a\\u0000b" is no file name'],
    ['missing', `"missing" does not exist in ${src}`],
    ['a/b', `"a/b" does not exist in ${src}`],
    ['folder', '"folder" is not a regular file'],
    ['fifo', '"fifo" is not a regular file'],
    ['out', `"out" leads out of ${src} through a symlink`],
    ['way/secret', `"way/secret" leads out of ${src} through a symlink`],
  ];
  const reasons = await reasonsFor(
    server,
    cases.map(([target]) => ({ target })),
  );
  expect(reasons).toEqual(cases.map(([, why]) => `target: ${why}`));
});

it('a src/ that is itself a link refuses what would come from it', async () => {
  const server = new Server();
  server.pools('1.0.0', [{ id: 'web', files: { a: 'A' } }]);
  const elsewhere = path.join(server.root, 'elsewhere');
  fs.renameSync(path.join(server.module, 'src'), elsewhere);
  fs.symlinkSync(elsewhere, path.join(server.module, 'src'));
  expect(endings(await server.apply())).toEqual(['web: refused']);
});

it('a bad destination refuses its pool alone, in one line that names file and field', async () => {
  const server = new Server({ file: 'F', link: link('file'), dangling: link('nowhere'), folder: {}, alias: link('.') });
  const at = (name: string): string => path.join(server.root, name);
  fs.symlinkSync(server.module, at('live/alias-of-module'));
  makeFifo(at('live/fifo'), 0o600);
  const notNormal = 'must be written without ".", ".." and extra slashes';
  const cases: [destination: string, why: string][] = [
    ['relative/path', 'must be an absolute path'],
    ['', 'must be an absolute path'],
    ['/srv/../etc/motd', notNormal],
    ['//srv/a', notNormal],
    ['/srv/a/', notNormal],
    ['/', notNormal],
    ['/srv/a\0', 'is no file name'],
    ['/srv/\ud800', 'is no file name'],
    ['/proc/sys/kernel/panic', 'lies in /proc, where pools must not write'],
    ['/sys/x', 'lies in /sys, where pools must not write'],
    ['/dev/null', 'lies in /dev, where pools must not write'],
    [at('module/index.json'), `lies in ${server.module}, where pools must not write`],
    [at('module/new/file'), `lies in ${server.module}, where pools must not write`],
    [at('live/alias-of-module/x'), `lies in ${server.module}, where pools must not write`],
    [at('state/pools/good.json'), `lies in ${server.stateDir}, where pools must not write`],
    [at('backups/journal/x'), `lies in ${server.backupDir}, where pools must not write`],
    [at('live/link'), 'is a symlink: name the file that it points at'],
    [at('live/dangling'), 'is a symlink: name the file that it points at'],
    [at('live/folder'), 'is a directory'],
    [at('live/fifo'), 'is not a regular file'],
    [at('live/good'), 'is, or overlaps, a destination of pool good'],
    [at('live/alias/good'), 'is, or overlaps, a destination of pool good'],
    [at('live/good/below'), 'is, or overlaps, a destination of pool good'],
    [at('live/file/x'), `${at('live/file')} is not a directory`],
    [at('live/dangling/x'), `${at('live/dangling')} is a link to nothing`],
  ];
  const reasons = await reasonsFor(
    server,
    cases.map(([destination]) => ({ destination })),
  );
  const expected = cases.map(([destination, why]) => `destination: ${JSON.stringify(destination)} ${why}`);
  const parents = expected.map((line) =>
    line.replace(/^destination: "(.*)\/x" (\S+ is (not a directory|a link to nothing))$/, 'destination: $1: $2'),
  );
  expect(reasons).toEqual(parents);
});

describe('a destination', () => {
  it('outside the allowed roots is refused', async () => {
    const server = new Server();
    server.pools('1.0.0', [
      { id: 'in', files: { 'site/a': 'A' } },
      { id: 'out', files: { 'site-b': 'B' } },
    ]);
    const report = await server.apply({ allowedRoots: [path.join(server.live, 'site')] });
    expect(endings(report)).toEqual(['in: applied', 'out: refused']);
    expect(report.pools[1]?.reason).toContain('lies outside the allowed roots');
  });

  it('that has another name elsewhere is refused: a restore would separate the two', async () => {
    const server = new Server({ a: 'old' });
    fs.linkSync(path.join(server.live, 'a'), path.join(server.root, 'other-name'));
    server.pools('1.0.0', [{ id: 'web', files: { a: 'new' }, closure: ['touch LIVE/closure-ran'] }]);
    const report = await server.apply();
    expect(endings(report)).toEqual(['web: refused']);
    expect(report.pools[0]?.reason).toContain('1 more name(s) outside the captured paths');
    expect([server.read('a'), server.exists('closure-ran')]).toEqual(['old', false]);
  });
});
