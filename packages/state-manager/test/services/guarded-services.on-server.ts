import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { coded } from '../expectations.ts';
import { scene } from '../scene.ts';
import {
  describeUnits,
  inodeHeldBy,
  INSTALLED_UNIT_FILES,
  isActive,
  mainPid,
  makeUnits,
  shell,
  SLEEPER,
  startHolding,
} from './units.ts';

/* What users of StateManager see of services, on a real systemd. */

/** A service that has a file open as long as it runs. */
const holding = (file: string, more = ''): string => `[Unit]\n${more}\n[Service]\nExecStart=/usr/bin/tail -f ${file}\n`;

const answering = (word: string): string => `server { listen 8099; location / { return 200 "${word}"; } }\n`;

/** nginx changes its configuration while it goes on serving; a worker that leaves may close a connection unanswered. */
async function untilAnswered(word: string): Promise<void> {
  while ((await ask()) !== word) await sleep(10);
}

async function ask(): Promise<string> {
  try {
    return await (await fetch('http://127.0.0.1:8099/', { headers: { connection: 'close' } })).text();
  } catch {
    return '';
  }
}

const fail = async (line: string): Promise<never> => {
  shell(line);
  throw new Error('the change fails');
};

describe('a service that holds a restored file open', () => {
  it('ends up on the restored one, when it is in the record', async () => {
    const here = scene({ data: 'old' });
    makeUnits({ 'hu-app.service': holding(here.at('data')) });
    await startHolding('hu-app', here.at('data'));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('data')], services: ['hu-app'] });
    shell(`echo new > ${here.at('new')} && mv ${here.at('new')} ${here.at('data')}`);
    const report = await state.restoreModuleState('app');
    expect([here.read('data'), isActive('hu-app')]).toEqual(['old', true]);
    expect(inodeHeldBy('hu-app', here.at('data'))).toBe(fs.statSync(here.at('data')).ino);
    expect(report).toMatchObject({ adjusted: ['hu-app.service: stopped and started'], warnings: [] });
  });

  it('is reported, when it is not', async () => {
    const here = scene({ data: 'old' });
    makeUnits({ 'hu-app.service': SLEEPER, 'hu-other.service': holding(here.at('data')) });
    shell('systemctl start hu-app');
    await startHolding('hu-other', here.at('data'));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('data')], services: ['hu-app'] });
    const loose = spawn('tail', ['-f', here.at('data')], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(loose.stdout, 'data');
    here.write('data', 'new');
    const { warnings } = await state.restoreModuleState('app');
    loose.kill();
    expect(warnings.sort()).toEqual([
      `hu-other.service (process ${mainPid('hu-other')}) still uses the ${here.at('data')} that was there before: restart it`,
      `process ${loose.pid} (tail) still uses the ${here.at('data')} that was there before: restart it`,
    ]);
    expect(isActive('hu-other')).toBe(true);
  });

  it('is not started by its socket in the middle of it', async () => {
    const here = scene({ data: 'old' });
    makeUnits({
      'hu-app.service': holding(here.at('data')),
      'hu-app.socket': '[Socket]\nListenStream=/run/hu-app\n',
    });
    shell('systemctl start hu-app.socket');
    await startHolding('hu-app', here.at('data'));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('data')], services: ['hu-app'] });
    here.write('data', 'new');
    const { adjusted } = await state.restoreModuleState('app');
    expect(adjusted).toEqual(['hu-app.service: stopped and started', 'hu-app.socket: stopped and started']);
    expect([isActive('hu-app'), isActive('hu-app.socket')]).toEqual([true, true]);
  });

  it('takes along what requires it, and brings it back', async () => {
    const here = scene({ data: 'old' });
    const needsIt = 'Requires=hu-app.service\nAfter=hu-app.service';
    makeUnits({
      'hu-app.service': holding(here.at('data')),
      'hu-needs.service': holding('/etc/hostname', needsIt),
    });
    shell('systemctl start hu-needs');
    await startHolding('hu-app', here.at('data'));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('data')], services: ['hu-app'] });
    here.write('data', 'new');
    await state.restoreModuleState('app');
    expect([isActive('hu-app'), isActive('hu-needs')]).toEqual([true, true]);
  });

  it('and cannot be stopped: nothing is touched, and what was stopped already runs again', async () => {
    const here = scene({ data: 'old' });
    makeUnits({
      'hu-app.service': holding(here.at('data')),
      'hu-stays.service': holding(here.at('data'), 'RefuseManualStop=yes'),
    });
    onTestFinished(() => void shell(`kill ${mainPid('hu-stays')}`));
    await startHolding('hu-app', here.at('data'));
    await startHolding('hu-stays', here.at('data'));
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('data')], services: ['hu-app', 'hu-stays'] });
    here.write('data', 'new');
    await expect(state.restoreModuleState('app')).rejects.toThrow(
      coded('cannot-restore', /hu-stays\.service must let go of them, and cannot be stopped/) as Error,
    );
    expect([here.read('data'), isActive('hu-app'), isActive('hu-stays')]).toEqual(['new', true, true]);
    expect(state.hasOpenChanges()).toBe(false);
  });
});

describe('what a service has read', () => {
  it('its unit file: it runs by the one that was restored', async () => {
    const here = scene();
    makeUnits({ 'hu-app.service': SLEEPER });
    shell('systemctl start hu-app');
    const unitFile = '/etc/systemd/system/hu-app.service';
    const changed = here.stateManager().guard('app', { files: [unitFile], services: ['hu-app'] }, async () => {
      fs.writeFileSync(unitFile, SLEEPER.replace('100000', '200000'));
      return fail('systemctl daemon-reload; systemctl restart hu-app');
    });
    await expect(changed).rejects.toThrow('the change fails');
    expect(fs.readFileSync(`/proc/${mainPid('hu-app')}/cmdline`, 'utf8')).toBe('/bin/sleep\x00100000\x00');
    expect(shell('systemctl show -p NeedDaemonReload --value hu-app')).toBe('no\n');
  });

  it('its configuration: one that was not restarted meanwhile reads it again', async () => {
    const here = scene();
    const configuration = '/etc/nginx/conf.d/hu.conf';
    onTestFinished(() => void shell(`rm -f ${configuration}; systemctl reload-or-restart nginx`));
    fs.writeFileSync(configuration, answering('old'));
    shell('systemctl reload-or-restart nginx');
    const pid = mainPid('nginx');
    const changed = here.stateManager().guard('web', { files: [configuration], services: ['nginx'] }, async () => {
      fs.writeFileSync(configuration, answering('new'));
      shell('nginx -s reload');
      await untilAnswered('new');
      throw new Error('the change fails');
    });
    await expect(changed).rejects.toThrow('the change fails');
    await untilAnswered('old');
    expect(mainPid('nginx')).toBe(pid);
  });

  it('what was started anew by the change is restarted, once', async () => {
    const here = scene({ conf: 'old' });
    makeUnits({ 'hu-app.service': SLEEPER });
    shell('systemctl start hu-app');
    const state = here.stateManager();
    await state.backupModuleState('app', { files: [here.at('conf')], services: ['hu-app'] });
    here.write('conf', 'new');
    shell('systemctl restart hu-app');
    expect((await state.restoreModuleState('app')).adjusted).toEqual(['hu-app.service: restarted']);
    expect(await state.restoreModuleState('app')).toMatchObject({ restored: [], adjusted: [], warnings: [] });
  });
});

describe('a service that does not come back', () => {
  it('is an error that names it, and is completed once the cause is gone', async () => {
    const here = scene({ needed: '' });
    const script = `sleep 0.3; test -e ${here.at('needed')} && exec sleep 100000`;
    makeUnits({ 'hu-app.service': `[Service]\nExecStart=/bin/sh -c "${script}"\n` });
    shell('systemctl start hu-app; sleep 1');
    const state = here.stateManager();
    await state.backupModuleState('app', { services: ['hu-app'] });
    shell(`systemctl stop hu-app; rm ${here.at('needed')}`);
    await expect(state.restoreModuleState('app')).rejects.toThrow(
      coded('rollback-failed', /^cannot restore hu-app\.service: it is failed \(failed\), and was active$/) as Error,
    );
    expect(state.hasOpenChanges()).toBe(true);
    here.write('needed', '');
    expect(await state.recover()).toMatchObject({ found: [{ slot: 'app', outcome: 'restored' }] });
    expect([isActive('hu-app'), state.hasOpenChanges()]).toEqual([true, false]);
  });

  it('because its unit file is gone, is named too', async () => {
    const here = scene();
    makeUnits({ 'hu-app.service': SLEEPER });
    const state = here.stateManager();
    await state.backupModuleState('app', { services: ['hu-app'] });
    shell('rm /etc/systemd/system/hu-app.service; systemctl daemon-reload');
    await expect(state.restoreModuleState('app')).rejects.toThrow(
      coded('rollback-failed', 'hu-app.service: it does not exist any more') as Error,
    );
  });
});

describe('kinds of units', () => {
  it('PostgreSQL: its servers are parts of postgresql.service, and come back with it', async () => {
    const changed = scene()
      .stateManager()
      .guard('app', { services: ['postgresql'] }, () => fail('systemctl stop postgresql@15-main'));
    await expect(changed).rejects.toThrow('the change fails');
    expect(shell(`su postgres -c "psql -Atc 'select 6 * 7'"`)).toBe('42\n');
  });

  it('one that is masked while it runs is running and masked again', async () => {
    makeUnits({ 'hu-app.service': SLEEPER }, INSTALLED_UNIT_FILES);
    shell('systemctl enable --now hu-app; systemctl mask hu-app');
    const before = describeUnits(['hu-app.service']);
    expect(before[0]).toContain('masked active');
    const changed = scene()
      .stateManager()
      .guard('app', { services: ['hu-app'] }, () => fail('systemctl unmask hu-app; systemctl disable --now hu-app'));
    await expect(changed).rejects.toThrow('the change fails');
    expect(describeUnits(['hu-app.service'])).toEqual(before);
  });

  it('an alias stands for the unit itself, and comes back with it', async () => {
    const here = scene();
    makeUnits({ 'hu-app.service': `${SLEEPER}Alias=hu-alias.service\n` });
    shell('systemctl enable hu-app');
    const before = describeUnits(['hu-app.service', 'hu-alias.service']);
    const state = here.stateManager();
    expect((await state.backupModuleState('app', { services: ['hu-alias'] })).services).toEqual(['hu-alias.service']);
    shell('systemctl disable hu-app');
    await state.restoreModuleState('app');
    expect(describeUnits(['hu-app.service', 'hu-alias.service'])).toEqual(before);
  });

  it('one whose file lies elsewhere is linked and enabled again', async () => {
    const here = scene({ 'hu-app.service': SLEEPER });
    makeUnits({});
    shell(`systemctl enable --now ${here.at('hu-app.service')}`);
    const before = describeUnits(['hu-app.service']);
    const changed = here
      .stateManager()
      .guard('app', { services: ['hu-app'] }, () => fail('systemctl disable --now hu-app'));
    await expect(changed).rejects.toThrow('the change fails');
    expect(describeUnits(['hu-app.service'])).toEqual(before);
  });

  it('a unit file in the place of a mask is kept aside', async () => {
    const here = scene();
    makeUnits({});
    shell('systemctl mask hu-app');
    const state = here.stateManager();
    await state.backupModuleState('app', { services: ['hu-app'] });
    shell('systemctl unmask hu-app');
    fs.writeFileSync('/etc/systemd/system/hu-app.service', SLEEPER);
    const { displaced } = await state.restoreModuleState('app');
    expect(shell('systemctl show -p LoadState --value hu-app')).toBe('masked\n');
    expect(displaced.map(({ to }) => fs.readFileSync(to, 'utf8'))).toEqual([SLEEPER]);
  });

  it('what is absent, or does not come to rest, is recorded so, with a warning', async () => {
    const here = scene();
    makeUnits({ 'hu-loops.service': '[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1000\n' });
    shell('systemctl start hu-loops; sleep 0.5');
    const state = here.stateManager();
    const { backupDir } = await state.backupModuleState('app', { services: ['hu-loops', 'hu-absent'] });
    expect(here.said.filter((line) => line.startsWith('warn'))).toEqual([
      'warn hu-loops.service does not come to rest: recorded as activating (auto-restart)',
      'warn hu-absent.service does not exist: recorded as absent',
    ]);
    expect(fs.statSync(path.join(backupDir, 'services.json')).mode & 0o777).toBe(0o600);
    expect(await state.restoreModuleState('app')).toMatchObject({ restored: [], unchanged: 2, warnings: [] });
  });

  it('what systemd-run made is refused: nothing could bring it back', async () => {
    shell('systemd-run --quiet --unit=hu-made sleep 100000');
    onTestFinished(() => void shell('systemctl stop hu-made'));
    await expect(
      scene()
        .stateManager()
        .backupModuleState('app', { services: ['hu-made'] }),
    ).rejects.toThrow(
      coded(
        'cannot-capture',
        'cannot capture hu-made.service: it was made by systemd-run and has no unit file',
      ) as Error,
    );
  });
});

describe('without systemd', () => {
  it('neither a capture nor a restore begins', () => {
    const here = scene({ data: 'old' });
    const script = path.join(import.meta.dirname, '../fixtures/services.ts');
    const run = (what: string): unknown => {
      const inside = `mount -t tmpfs tmpfs /run/systemd && exec ${process.execPath} ${script} ${here.root} ${what}`;
      return JSON.parse(shell(`unshare --mount sh -c '${inside}'`));
    };
    expect(run('backup')).toEqual({
      code: 'unsupported',
      message: 'cannot capture nginx.service: this machine does not run systemd',
    });
    shell(`${process.execPath} ${script} ${here.root} backup`);
    here.write('data', 'new');
    expect(run('restore')).toEqual({
      code: 'cannot-restore',
      message: 'cannot restore nginx.service: this machine does not run systemd',
    });
    expect(here.read('data')).toBe('new');
  });
});

const sql = (line: string, database = 'postgres'): string =>
  shell(`su postgres -c "psql -qAt ${database} -c '${line}'"`);

describe('a database server that the change has stopped', () => {
  it('is started again for the restore of its databases', async () => {
    sql('CREATE DATABASE hu_app');
    onTestFinished(() => void sql('DROP DATABASE hu_app WITH (FORCE)'));
    sql('CREATE TABLE photos AS SELECT 41 AS n', 'hu_app');
    const databases = [{ type: 'postgresql', database: 'hu_app' }];
    const changed = scene()
      .stateManager()
      .guard('app', { services: ['postgresql'], databases }, async () => {
        sql('DROP TABLE photos', 'hu_app');
        return fail('systemctl disable --now postgresql');
      });
    await expect(changed).rejects.toThrow('the change fails');
    expect(sql('SELECT n FROM photos', 'hu_app')).toBe('41\n');
    expect(describeUnits(['postgresql.service'])[0]).toContain('loaded active enabled');
  });
});
