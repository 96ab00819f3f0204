import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { describeTree } from '@homeserver/test-support';
import { homeServer, zones } from './home-server.ts';
import { status, type Page } from './list-server.ts';

const changed = { success: true, changed: true };
const unchanged = { success: true, changed: false };
const endless: Page = (_request, response) => void response.writeHead(404).write('x'.repeat(1_000_000));

describe('a run', () => {
  it('merges the lists into the file of the resolver, checks it and reloads', async () => {
    const home = await homeServer({ '/a': '0.0.0.0 ads.example\r\n', '/b': '||track.example^\nads.example\n' });
    expect(await home.run()).toMatchObject(changed);
    expect(zones(home.output())).toEqual(['ads.example', 'track.example']);
    expect(home.inUse()).toBe(home.output());
    expect(home.commands()).toEqual(['check', 'reload']);
    expect(fs.statSync(home.outputPath).mode & 0o777).toBe(0o644);
  });

  it('changes nothing the second time, and does not even load the lists', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    const before = describeTree(home.directory);
    expect(await home.run()).toMatchObject(unchanged);
    expect(describeTree(home.directory)).toEqual(before);
    expect(home.answered.slice(2).sort()).toEqual(['304 /a', '304 /b']);
  });

  it('reloads again when a list has changed', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    home.pages['/a'] = 'new.example\n';
    expect(await home.run()).toMatchObject(changed);
    expect(zones(home.inUse())).toEqual(['new.example', 'track.example']);
    expect(home.commands()).toEqual(['check', 'reload', 'check', 'reload']);
  });

  it('puts back what somebody wrote into the file', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    fs.appendFileSync(home.outputPath, 'mine\n');
    expect(await home.run()).toMatchObject(changed);
    expect(home.output()).not.toContain('mine');
  });

  it('reads a list from a file', async () => {
    const home = await homeServer({});
    fs.writeFileSync(path.join(home.directory, 'my list'), 'ads.example\n');
    const sources = [pathToFileURL(path.join(home.directory, 'my list')).href];
    expect(await home.run({ sources, format: 'hosts' })).toMatchObject(changed);
    expect(home.output()).toMatch(/\n0\.0\.0\.0 ads\.example\n$/);
    expect(await home.run({ sources, format: 'hosts' })).toMatchObject(unchanged);
  });

  it('lets no list write anything but names', async () => {
    const hostile =
      'ads.example\nlocal-zone: "x" redirect\n"\nbank.example" static\n0.0.0.0 x.example"\n  include: /etc/passwd\n';
    const home = await homeServer({ '/a': hostile, '/b': hostile });
    await home.run();
    expect(home.output().split('\n').slice(1)).toEqual(['server:', '    local-zone: "ads.example" always_null', '']);
  });

  it('says what it would do in a dry run, and leaves everything as it is', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    fs.mkdirSync(path.join(home.directory, 'state'));
    const before = describeTree(home.directory);
    const { said, ...result } = await home.run({}, { dryRun: true });
    expect(result).toEqual(unchanged);
    expect(said).toEqual([`info: would write ${home.outputPath} and reload the resolver`]);
    expect(describeTree(home.directory)).toEqual(before);
  });

  it('has nothing to do on a machine without a resolver', async () => {
    const home = await homeServer({ '/a': 'ads.example\n' });
    const nowhere = path.join(home.directory, 'no-unbound');
    const { said, ...result } = await home.run({ output_path: path.join(nowhere, 'adblock.conf') });
    expect(result).toEqual(unchanged);
    expect(said).toEqual([`info: no resolver configured here: ${nowhere} does not exist`]);
    expect(fs.existsSync(nowhere)).toBe(false);
    expect([...home.answered, ...home.commands()]).toEqual([]);
  });
});

describe('when a source fails', () => {
  it('uses its copy of an earlier run, and says so', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    home.pages['/b'] = status(404);
    const { said, ...result } = await home.run();
    expect(result).toEqual(unchanged);
    expect(said).toContain(
      `warn: cannot fetch ${home.url('/b')}: the server answered 404; its copy of an earlier run is used`,
    );
  });

  it('goes on without it when there is no copy, and says so', async () => {
    const home = await homeServer({ '/a': 'ads.example\n' });
    const { said, ...result } = await home.run({ sources: [home.url('/a'), home.url('/b?token=secret')] });
    expect(result).toEqual(changed);
    expect(zones(home.inUse())).toEqual(['ads.example']);
    expect(said).toContain(`warn: cannot fetch ${home.url('/b')}: the server answered 404; it is left out`);
  });

  it('does not take a web page for a list, nor keep it in place of the copy', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    home.pages['/b'] = '<html><body>Please log in to the network.</body></html>\n';
    for (const time of ['once', 'again']) {
      const { said, ...result } = await home.run();
      expect(result, time).toEqual(unchanged);
      expect(said).toContain(
        `warn: cannot fetch ${home.url('/b')}: there is no domain in it; its copy of an earlier run is used`,
      );
    }
  });

  it('fails and touches nothing when no list can be had', async () => {
    const home = await homeServer({});
    fs.writeFileSync(home.outputPath, 'the old list\n');
    fs.mkdirSync(path.join(home.directory, 'state'));
    const before = describeTree(home.directory);
    await expect(home.run()).rejects.toThrow('none of the lists could be had; the one in use stays as it is');
    expect(describeTree(home.directory)).toEqual(before);
  });

  it('fails and touches nothing when too little of a list is left', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    home.pages['/a'] = home.pages['/b'] = 'ads.example\n';
    await expect(home.run({ min_domains: 2 })).rejects.toThrow('fewer than configuration.min_domains (2)');
    expect(zones(home.inUse())).toEqual(['ads.example', 'track.example']);
    expect(home.commands()).toEqual(['check', 'reload']);
  });
});

describe('when the new file is not good', () => {
  it('has the old one back, byte for byte, and in use, if the check fails', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    const before = [describeTree(home.outputPath), home.inUse()];
    home.pages['/a'] = 'broken.example\n';
    await expect(home.run()).rejects.toThrow(/^check failed: closure line 3 .*: .*broken\.example" always_null$/);
    expect([describeTree(home.outputPath), home.inUse()]).toEqual(before);
    expect(home.commands()).toEqual(['check', 'reload', 'check', 'reload']);
  });

  it('has the old one back, and in use, if the reload fails', async () => {
    const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
    await home.run();
    const before = home.inUse();
    home.pages['/a'] = 'crash.example\n';
    const reload = [`cd ${home.directory}`, 'cat resolver/adblock.conf > in-use', '! grep -q crash.example in-use'];
    await expect(home.run({ reload })).rejects.toThrow('reload failed: closure line 3');
    expect([home.output(), home.inUse()]).toEqual([before, before]);
  });

  it('removes it if there was none before', async () => {
    const home = await homeServer({ '/a': 'broken.example\n' });
    const reload = [`cd ${home.directory}`, 'ls resolver > in-use'];
    await expect(home.run({ reload })).rejects.toThrow('check failed');
    expect(fs.readdirSync(path.dirname(home.outputPath))).toEqual([]);
    expect(home.inUse()).toBe('');
  });

  it('has the old one back if the run is ended in the middle', async () => {
    const home = await homeServer({ '/a': 'ads.example\n' });
    fs.writeFileSync(home.outputPath, 'the old list\n');
    const signal = AbortSignal.timeout(1000);
    await expect(home.run({ check: ['sleep 60'] }, { signal })).rejects.toThrow(
      'check failed: closure line 1 (sleep 60) was stopped',
    );
    expect([home.output(), home.inUse()]).toEqual(['the old list\n', 'the old list\n']);
  });
});

it('ends at once when the run is ended while lists are fetched, without taking a copy for the list', async () => {
  const home = await homeServer({ '/a': 'ads.example\n', '/b': 'track.example\n' });
  await home.run();
  home.pages['/a'] = () => {};
  home.pages['/b'] = 'new.example\n';
  await expect(home.run({}, { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout');
  expect(zones(home.inUse())).toEqual(['ads.example', 'track.example']);
});

it('runs under plain Node, and leaves nothing open behind', async () => {
  const home = await homeServer({ '/a': 'ads.example\n', '/b': endless });
  const script = path.join(import.meta.dirname, 'fixtures/run-once.ts');
  const child = await runCommand([process.execPath, script, home.directory, JSON.stringify(home.config)]);
  expect(child.stderr.toString()).toBe('');
  expect(JSON.parse(child.stdout.toString())).toEqual({ result: changed, open: [] });
});
