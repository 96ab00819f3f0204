import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { scene } from '../scene.ts';
import { isActive, makeUnits, shell, SLEEPER } from './units.ts';

/* Snapshots and hotfix operations that concern services, on a real systemd. */

const isEnabled = (unit: string): string => shell(`systemctl is-enabled ${unit} || true`).trim();

describe('a snapshot of services', () => {
  it('brings back whether they are enabled and active', async () => {
    const here = scene();
    makeUnits({ 'hu-app.service': SLEEPER, 'hu-idle.service': SLEEPER });
    shell('systemctl enable --now hu-app');
    const capture = here.stateManager().snapshots;
    const { id, ...info } = await capture.captureServiceState(['hu-app', 'hu-idle'], 'before the maintenance');
    expect(info).toMatchObject({ type: 'service', files: [], services: ['hu-app.service', 'hu-idle.service'] });
    shell('systemctl disable --now hu-app; systemctl enable --now hu-idle');
    await capture.restoreSnapshot(id);
    expect([isActive('hu-app'), isEnabled('hu-app')]).toEqual([true, 'enabled']);
    expect([isActive('hu-idle'), isEnabled('hu-idle')]).toEqual([false, 'disabled']);
    expect(await capture.verifySnapshot(id)).toEqual([]);
  });

  it('may be one with files and a record of the system', async () => {
    const here = scene({ conf: 'old' });
    makeUnits({ 'hu-app.service': SLEEPER });
    shell('systemctl start hu-app');
    const capture = here.stateManager().snapshots;
    const state = { files: [here.live], services: ['hu-app'] };
    const { id, system } = await capture.captureSystemState(state, 'all');
    expect(system?.packages?.['systemd']).toBe(shell("dpkg-query -W -f '${Version}' systemd"));
    here.write('conf', 'new');
    shell('systemctl stop hu-app');
    await capture.restoreSnapshot(id);
    expect([here.read('conf'), isActive('hu-app')]).toEqual(['old', true]);
  });
});

describe('operations that were rolled back', () => {
  it('leave each service of the change as it was before it, whatever their scripts did', async () => {
    const here = scene({ conf: 'old' });
    makeUnits({ 'hu-app.service': SLEEPER });
    shell('systemctl start hu-app');
    const file = path.join(here.root, 'back.sh');
    fs.writeFileSync(file, `systemctl is-active hu-app > ${here.root}/seen || true\n`);
    const request = { files: [here.at('conf')], services: ['hu-app'], operations: true };
    await here.stateManager().guard('hotfix', request, async (recorder) => {
      await recorder.begin({ id: 'stop', type: 'execute', rollbackScript: { file } });
      shell('systemctl stop hu-app');
      await recorder.end('stop', 'applied');
      await recorder.begin({ id: 'conf', type: 'copy', target: here.at('conf') });
      here.write('conf', 'new');
      await recorder.end('conf', 'applied');
    });
    expect(await here.stateManager().rollBackOperations()).toMatchObject([{ slot: 'hotfix', outcome: 'restored' }]);
    expect(fs.readFileSync(path.join(here.root, 'seen'), 'utf8'), 'as the operation had left it').toBe('inactive\n');
    expect([here.read('conf'), isActive('hu-app')]).toEqual(['old', true]);
  });
});
