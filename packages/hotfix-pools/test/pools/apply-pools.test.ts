import fs from 'node:fs';
import path from 'node:path';
import { file } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { endings, Server } from '../server.ts';

const isRoot = process.getuid?.() === 0;

describe('a pool that succeeds', () => {
  it('puts every source at its destination and says so', async () => {
    const server = new Server({ 'app.conf': 'old' });
    server.pools('1.0.0', [
      { id: 'web', files: { 'app.conf': 'new', 'extra.conf': 'extra' }, closure: ['cd LIVE', 'grep -q new app.conf'] },
    ]);
    const report = await server.apply();
    expect(server.read('app.conf')).toBe('new');
    expect(server.read('extra.conf')).toBe('extra');
    expect(report.pools).toMatchObject([
      { id: 'web', state: 'applied', reason: 'not applied before', closure: { ok: true } },
    ]);
    expect(report.pools[0]?.destinations.map((one) => one.found)).toEqual(['unknown', 'absent']);
  });

  it('takes a target with and without the leading src/', async () => {
    const server = new Server();
    server.source('a', 'A');
    server.source('b', 'B');
    server.document({
      metadata: { schema_version: '1.0.0' },
      pools: [
        {
          id: 'web',
          operations: [
            { target: 'src/a', destination: path.join(server.live, 'a') },
            { target: 'b', destination: path.join(server.live, 'b') },
          ],
        },
      ],
    });
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect([server.read('a'), server.read('b')]).toEqual(['A', 'B']);
  });

  it('keeps the mode and owner of an existing file, and gives a new one the mode of its source', async () => {
    const server = new Server({ 'old.sh': file('old', 0o4750), 'own.conf': file('old', 0o600) });
    const uid = isRoot ? 1234 : (process.getuid?.() ?? 0);
    fs.chownSync(path.join(server.live, 'own.conf'), uid, isRoot ? 2345 : (process.getgid?.() ?? 0));
    server.pools('1.0.0', [{ id: 'web', files: { 'old.sh': 'new', 'own.conf': 'new', 'new.sh': 'new' } }]);
    server.source('web-new.sh', file('new', 0o4755));
    await server.apply();
    const stat = (name: string): fs.Stats => fs.statSync(path.join(server.live, name));
    expect(stat('old.sh').mode & 0o7777).toBe(0o4750);
    expect(stat('own.conf').mode & 0o7777).toBe(0o600);
    expect(stat('own.conf').uid).toBe(uid);
    expect(stat('new.sh').mode & 0o7777).toBe(0o755);
  });

  it('makes missing directories 0755, owned like the nearest one that was there, whatever the umask', async () => {
    const server = new Server({ site: {} });
    const site = path.join(server.live, 'site');
    const owner = { uid: isRoot ? 1234 : (process.getuid?.() ?? 0), gid: isRoot ? 2345 : (process.getgid?.() ?? 0) };
    fs.chownSync(site, owner.uid, owner.gid);
    server.pools('1.0.0', [{ id: 'web', files: { 'site/a/b/one': '1', 'site/a/two': '2' } }]);
    const umask = process.umask(0o077);
    try {
      expect(endings(await server.apply())).toEqual(['web: applied']);
    } finally {
      process.umask(umask);
    }
    for (const name of ['a', 'a/b', 'a/b/one', 'a/two']) {
      expect(fs.statSync(path.join(site, name))).toMatchObject(owner);
    }
    expect(fs.statSync(path.join(site, 'a/b')).mode & 0o7777).toBe(0o755);
  });

  it('runs all closure lines in one shell and logs what they print, escaped', async () => {
    const server = new Server();
    server.pools('1.0.0', [
      { id: 'web', files: { a: 'A' }, closure: ['cd LIVE', 'word=$(cat a)', 'printf "%s\\033[31m\\n" "$word"'] },
    ]);
    await server.apply();
    expect(server.log).toContain('info pool web | A\\x1b[31m');
  });

  it('follows a symlink in the path that only root or we could have put there', async () => {
    const server = new Server({ real: { a: 'old' } });
    fs.symlinkSync('real', path.join(server.live, 'alias'));
    server.pools('1.0.0', [{ id: 'web', files: { 'alias/a': 'new', 'alias/deep/b': 'B' } }]);
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect([server.read('real/a'), server.read('real/deep/b')]).toEqual(['new', 'B']);
    expect(fs.readlinkSync(path.join(server.live, 'alias'))).toBe('real');
  });
});

describe('a pool that fails', () => {
  it('is put back as a whole, runs its closure again, and the next pool goes on', async () => {
    const server = new Server({ a: file('old a', 0o640), other: 'old' });
    const before = server.describe();
    server.pools('1.0.0', [
      {
        id: 'bad',
        files: { a: 'broken', 'made/b': 'B' },
        closure: ['cd LIVE', 'cat a >> ../closure.log', 'grep -q old a'],
      },
      { id: 'good', files: { other: 'new' } },
    ]);
    const report = await server.apply();
    expect(endings(report)).toEqual(['bad: reverted', 'good: applied']);
    expect(report.pools[0]).toMatchObject({
      reason: 'closure line 3 (grep -q old a) exited 1',
      closure: { ok: false, failedLine: { number: 3 }, exitCode: 1 },
      closureAfterRestore: { ok: true },
    });
    expect(fs.readFileSync(path.join(server.root, 'closure.log'), 'utf8')).toBe('brokenold a');
    expect(server.read('other')).toBe('new');
    expect(server.describe().filter((line) => !line.startsWith('./other '))).toEqual(
      before.filter((line) => !line.startsWith('./other ')),
    );
  });

  it('is "failed" when its closure fails after the restore too', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'bad', files: { a: 'new' }, closure: ['echo no luck', 'false'] }]);
    const report = await server.apply();
    expect(report.pools[0]).toMatchObject({
      state: 'failed',
      closureAfterRestore: { ok: false, failedLine: { number: 2 } },
    });
    expect(report.pools[0]?.reason).toBe(
      'closure line 2 (false) exited 1: no luck; then the rollback failed: everything of hotfix_pool_bad was put back, but then closure line 2 (false) exited 1: no luck',
    );
    expect(server.read('a')).toBe('old');
  });

  it('is "failed" when its files cannot be put back, and the others are still reported', async () => {
    const server = new Server({ a: 'old', b: 'old' });
    server.pools('1.0.0', [
      {
        id: 'bad',
        files: { a: 'new' },
        closure: ['truncate -s 20 LIVE/../backups/hotfix_pool_bad_backup/manifest.json', 'false'],
      },
      { id: 'next', files: { b: 'new' } },
    ]);
    const report = await server.apply();
    expect(endings(report)).toEqual(['bad: failed', 'next: refused']);
    expect(report.pools[1]?.reason).toContain('an earlier change could not be undone');
    expect(server.read('b')).toBe('old');
  });

  it('ends a closure that hangs at its time limit', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [
      { id: 'slow', files: { a: 'new' }, closure: ['grep -q old LIVE/a || sleep 60'], timeoutSeconds: 0.2 },
    ]);
    const report = await server.apply();
    expect(report.pools[0]).toMatchObject({
      state: 'reverted',
      closure: { timedOut: true },
      closureAfterRestore: { ok: true },
    });
    expect(report.pools[0]?.reason).toContain('ran out of time');
  });

  it('keeps only the end of a long output in the report, and logs a bounded part of it', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [{ id: 'loud', files: { a: 'new' }, closure: ['seq 1 30000', 'grep -q old LIVE/a'] }]);
    const report = await server.apply();
    expect(report.pools[0]?.closure?.output).toHaveLength(4096);
    expect(report.pools[0]?.reason).toBe(
      'closure line 2 (grep -q old LIVE/a) exited 1: 30000'.replace('LIVE', server.live),
    );
    const logged = server.log.filter((line) => line.startsWith('info pool loud | '));
    expect(logged).toHaveLength(221);
    expect(logged.at(-1)).toBe('info pool loud | 30000');
  });
});

describe('a parent that is swapped for a link while its pool is being applied', () => {
  it('lets nothing outside be written, and puts the pool back', async () => {
    const server = new Server({ site: { a: 'old' }, outside: { a: 'precious' } });
    server.pools('1.0.0', [{ id: 'web', files: { 'site/a': 'new' } }]);
    const swap = (line: string): void => {
      if (!line.startsWith('pool web: applying')) return;
      fs.renameSync(path.join(server.live, 'site'), path.join(server.live, 'was-site'));
      fs.symlinkSync('outside', path.join(server.live, 'site'));
    };
    const report = await server.apply({ logger: { ...server.logger, info: swap } });
    expect(endings(report)).toEqual(['web: reverted']);
    expect(report.pools[0]?.reason).toBe(`cannot write ${server.live}/site/a: a directory in it was swapped meanwhile`);
    expect([server.read('outside/a'), server.read('was-site/a')]).toEqual(['precious', 'old']);
  });
});

describe('an abort', () => {
  it('ends the closure, puts its pool back, starts no other, and is not held against the pool', async () => {
    const server = new Server({ a: 'old' });
    server.pools('1.0.0', [
      { id: 'one', files: { a: 'new' }, closure: ['grep -q old LIVE/a || { touch LIVE/../running; sleep 60; }'] },
      { id: 'two', files: { b: 'B' } },
    ]);
    const abort = new AbortController();
    const started = setInterval(() => fs.existsSync(path.join(server.root, 'running')) && abort.abort(), 5);
    const report = await server.apply({ signal: abort.signal });
    clearInterval(started);
    expect(endings(report)).toEqual(['one: reverted', 'two: stopped']);
    expect(server.read('a')).toBe('old');
    server.pools('1.0.0', [
      { id: 'one', files: { a: 'new' } },
      { id: 'two', files: { b: 'B' } },
    ]);
    expect(endings(await server.apply())).toEqual(['one: applied', 'two: applied']);
  });
});

describe('a dry run', () => {
  it('says what would be done and changes nothing at all', async () => {
    const server = new Server({ a: 'old' });
    server.pools(
      '1.0.0',
      [{ id: 'web', files: { a: 'new' }, closure: ['touch LIVE/closure-ran'] }],
      ['touch LIVE/final-ran'],
    );
    const before = server.describe();
    const report = await server.apply({ dryRun: true });
    expect(report.pools).toMatchObject([
      { state: 'skipped', skip: 'dry-run', reason: 'would be applied: not applied before' },
    ]);
    expect(report.finalClosure.state).toBe('not-run');
    expect(server.describe()).toEqual(before);
    expect([fs.existsSync(server.stateDir), fs.existsSync(server.backupDir)]).toEqual([false, false]);
  });
});
