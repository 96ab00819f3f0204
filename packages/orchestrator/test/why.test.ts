import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readStatus, setModuleEnabled, why } from '../src/index.ts';
import { readModuleRecords, writeModuleRecords } from '../src/records/module-records.ts';
import { lockServer } from '../src/lock-server.ts';
import { broken, links, main, module, quiet, scene, startUpdater, waitForFile, type Scene } from './support.ts';

vi.setConfig({ testTimeout: 120_000 });

const say = (here: Scene, name = 'web'): string => why(here.server, name);

/** As if `hours` had passed since the last failure. */
function letHoursPass({ server }: Scene, hours: number): void {
  const file = server.paths.moduleRecords;
  const records = readModuleRecords(file);
  for (const failure of records['web']?.failed ?? []) failure.last_failure -= hours * 3600;
  writeModuleRecords(file, records);
}

describe('a version that fails', () => {
  it('is tried again after 1, 6 and 24 hours, then quarantined until other content comes, or --retry', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('2.0.0', broken) });
    expect((await here.cycle()).replaced).toHaveLength(1);
    for (const hours of [1, 6, 24]) {
      letHoursPass(here, hours - 0.1);
      expect((await here.cycle()).replaced).toEqual([]);
      expect(say(here)).toMatch(
        /^web is at 1\.0\.0: 2\.0\.0 failed \(it is broken\), and is tried again after .*--retry\.$/,
      );
      letHoursPass(here, 0.2);
      expect((await here.cycle()).replaced).toHaveLength(1);
    }
    letHoursPass(here, 10_000);
    expect((await here.cycle()).replaced).toEqual([]);
    expect(say(here)).toMatch(
      /^web is at 1\.0\.0: 2\.0\.0 is quarantined since .* \(it is broken\), until another version comes or: .*--retry\.$/,
    );
    expect((await here.cycle({ retry: true })).replaced).toHaveLength(1);
    expect(links(here)[0]).toBe('web 1.0.0');
    await here.publish({ web: module('2.0.0', `${quiet}// mended`) });
    expect((await here.cycle()).outcomes).toMatchObject([{ version: '2.0.0', status: 'succeeded' }]);
    expect(say(here)).toMatch(/^web 2\.0\.0 is up to date/);
  });

  it('is tried again in the next run when the clock was ahead as it failed', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('2.0.0', broken) });
    await here.cycle();
    letHoursPass(here, -500_000);
    expect(say(here)).toBe('web is at 1.0.0: 2.0.0 failed (it is broken), and is tried again in the next run.');
    expect(readStatus(here.server).modules[0]?.failed[0]?.nextTry).toBeLessThanOrEqual(Date.now() / 1000);
    expect((await here.cycle()).replaced).toHaveLength(1);
  });

  it('is no reason any more once a higher one runs', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('2.0.0', broken) });
    await here.cycle();
    await here.publish({ web: module('2.1.0') });
    await here.cycle();
    expect(say(here)).toMatch(/^web 2\.1\.0 is up to date, and ran with success on .*\.$/);
    expect(readStatus(here.server).modules).toMatchObject([{ version: '2.1.0', failed: [] }]);
  });

  it('is remembered when its first runs took the updater down', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    const begun = path.join(here.root, 'begun');
    await here.publish({
      web: module('2.0.0', main(`fs.writeFileSync('${begun}', 'x'); await new Promise(() => {});`)),
    });
    await here.cycle({ only: 'replace' });
    for (let start = 0; start < 2; start += 1) {
      fs.rmSync(begun, { force: true });
      const updater = startUpdater(here);
      await waitForFile(begun);
      updater.kill('SIGKILL');
      await updater.ended;
    }
    const { replaced, outcomes } = await here.cycle({ waitMs: 10_000 });
    expect([replaced, outcomes]).toMatchObject([[], [{ version: '1.0.0', status: 'succeeded' }]]);
    expect(say(here)).toMatch(
      /^web is at 1\.0\.0: 2\.0\.0 failed \(2 starts did not come to an end\), and is tried again/,
    );
  });
});

describe('why', () => {
  it('names a dependency that failed', async () => {
    const here = await scene();
    await here.publish({ base: module('1.0.0') });
    await here.cycle();
    await here.publish({ base: module('1.1.0', broken), web: module('1.0.0', quiet, { dependencies: ['base'] }) });
    await here.cycle();
    expect(say(here)).toBe('web 1.0.0 was skipped in its last run (it depends on base, which failed).');
  });

  it('says that only a newer version replaces what is here', async () => {
    const here = await scene();
    await here.publish({ web: module('2.0.0'), mail: module('1.0.0') });
    await here.cycle();
    await here.publish({ web: module('1.0.0'), mail: module('1.0.0', `${quiet}// other`) });
    await here.cycle();
    await here.cycle({ only: 'run' });
    expect(say(here)).toBe(
      'web is at 2.0.0, and waits for a newer version: web is 2.0.0 here, and only 1.0.0 in the repository; it is kept (--allow-downgrade web).',
    );
    expect(say(here, 'mail')).toBe(
      'mail is at 1.0.0, and waits for a newer version: mail 1.0.0 has other content in the repository than here; only a higher schema_version replaces it.',
    );
  });

  it('knows one that left the repository, also after a run of another module, or of none', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0'), mail: module('1.0.0') });
    await here.cycle();
    await here.repository.remove('modules/web');
    await here.cycle();
    for (const options of [{}, { modules: ['mail'] }, { only: 'run' as const }]) {
      await here.cycle(options);
      expect(say(here)).toBe(
        'web 1.0.0 is not in the repository any more; it is kept and still run, until: updater modules remove web.',
      );
    }
  });

  it('says who is at work', async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    const lock = await lockServer(here.server.paths, { purpose: 'a test' });
    expect(say(here)).toMatch(
      new RegExp(`^web 1\\.0\\.0 is up to date, .*; pid ${process.pid} \\(a test\\) is at work and holds the lock\\.$`),
    );
    lock.release();
  });

  it("tells the owner's choice from the author's", async () => {
    const here = await scene();
    await here.publish({ web: module('1.0.0'), off: module('1.0.0', quiet, { enabled: false }) });
    await here.cycle();
    await setModuleEnabled(here.server, 'web', false);
    expect(say(here)).toBe('web 1.0.0 is disabled on this server: updater modules enable web.');
    expect(say(here, 'off')).toBe('off 1.0.0 is disabled by its author: updater modules enable off.');
  });
});
