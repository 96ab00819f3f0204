import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeTree, hardlink, link, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { coded } from './expectations.ts';
import { mounted } from './mounted-disk.ts';
import { asRoot, scene } from './scene.ts';

async function backedUp() {
  const here = scene({
    site: { index: 'one', 'other name': hardlink('site/index'), pointer: link('/etc/hostname'), deep: { file: 'two' } },
    conf: 'setting',
  });
  const files = ['site', 'conf', 'absent', 'no/such'].map((name) => here.at(name));
  await here.stateManager().backupModuleState('site', { files });
  return here;
}

describe('a restore below a target root', () => {
  it('puts everything back there, and touches nothing of this machine', async () => {
    const here = await backedUp();
    const was = describeTree(here.live);
    const { disk, at } = mounted(here);
    fs.rmSync(at('site/deep'), { recursive: true });
    fs.writeFileSync(at('site/index'), 'broken');
    fs.writeFileSync(at('absent'), 'made since');
    fs.mkdirSync(at('no/such'), { recursive: true });
    fs.writeFileSync(here.at('site/index'), 'of this machine');
    const before = describeTree(here.live);

    const report = await here.stateManager({ targetRoot: disk }).restoreModuleState('site');
    expect(describeTree(at()).slice(1)).toEqual(was.slice(1));
    expect(describeTree(here.live)).toEqual(before);
    expect(report.restored).toContain(at('site/index'));
    expect(report.displaced.map(({ from }) => from)).toEqual(
      expect.arrayContaining([at('site/index'), at('absent'), at('no/such')]),
    );
    const { to } = report.displaced.find(({ from }) => from === at('absent')) ?? { to: '' };
    expect(fs.readFileSync(to, 'utf8')).toBe('made since');
    expect(await here.stateManager({ targetRoot: disk }).restoreModuleState('site')).toMatchObject({ restored: [] });
  });

  it('makes on an empty disk what was above it', async () => {
    const here = await backedUp();
    const was = describeTree(here.at('site'));
    const disk = temporaryDirectory();
    await here.stateManager({ targetRoot: disk }).restoreModuleState('site');
    expect(describeTree(path.join(disk, here.live, 'site'))).toEqual(was);
    expect(fs.statSync(path.join(disk, '/tmp')).mode).toBe(fs.statSync('/tmp').mode);
  });

  it('takes a target root by its links, and `/` for this machine', async () => {
    const here = await backedUp();
    const { disk, at } = mounted(here);
    fs.writeFileSync(at('conf'), 'broken');
    const pointer = path.join(temporaryDirectory(), 'disk');
    fs.symlinkSync(disk, pointer);
    await here.stateManager({ targetRoot: pointer }).restoreModuleState('site');
    expect(fs.readFileSync(at('conf'), 'utf8')).toBe('setting');
    here.write('conf', 'broken');
    await here.stateManager({ targetRoot: '/' }).restoreModuleState('site');
    expect(here.read('conf')).toBe('setting');
  });

  it.each([
    ['above what was captured', (at: string) => path.dirname(at)],
    ['as what was captured', (at: string) => at],
  ])('is not led out of it by a link %s', async (_, linkAt) => {
    const here = await backedUp();
    const { disk, at } = mounted(here);
    const outside = temporaryDirectory();
    fs.writeFileSync(path.join(outside, 'index'), 'not ours');
    fs.mkdirSync(path.join(outside, 'site'));
    const place = linkAt(at('site'));
    fs.rmSync(place, { recursive: true });
    fs.symlinkSync(outside, place);
    const before = describeTree(outside);
    const restore = here.stateManager({ targetRoot: disk }).restoreModuleState('site');
    if (place === at('site')) await restore;
    else await expect(restore).rejects.toThrow(coded('cannot-restore', /was a directory, and is none now/));
    expect(describeTree(outside)).toEqual(before);
  });

  it('refuses a target root that is none', async () => {
    const here = await backedUp();
    const cases = [path.join(here.root, 'missing'), here.at('conf')];
    for (const targetRoot of cases) {
      const restore = here.stateManager({ targetRoot }).restoreModuleState('site');
      await expect(restore).rejects.toThrow(coded('cannot-restore', /^cannot restore below /));
    }
    expect(() => here.stateManager({ targetRoot: 'relative' })).toThrow(coded('invalid-path', /absolute/));
    expect(here.stateManager().hasOpenChanges()).toBe(false);
  });

  it('only restores: it captures nothing', async () => {
    const here = await backedUp();
    const state = here.stateManager({ targetRoot: temporaryDirectory() });
    const refused = coded('invalid-request', /this state manager is only for restores/);
    await expect(state.backupModuleState('site', { files: [here.at('conf')] })).rejects.toThrow(refused);
    await expect(state.guard('site', { files: [here.at('conf')] }, async () => {})).rejects.toThrow(refused);
    await expect(state.snapshots.captureFileState(here.at('conf'), '')).rejects.toThrow(refused);
  });

  asRoot('keeps owners as numbers', async () => {
    const here = scene({ file: 'x' });
    fs.chownSync(here.at('file'), 4711, 4712);
    await here.stateManager().backupModuleState('site', { files: [here.at('file')] });
    const { disk, at } = mounted(here);
    fs.rmSync(at('file'));
    await here.stateManager({ targetRoot: disk }).restoreModuleState('site');
    expect(fs.statSync(at('file'))).toMatchObject({ uid: 4711, gid: 4712 });
  });
});

describe('a recovery below a target root', () => {
  it('undoes what the dead machine was in the middle of, and leaves what only the machine itself can do', async () => {
    const here = scene({ plain: 'old', served: 'old' });
    const log = here.at('log');
    const fixture = path.join(import.meta.dirname, 'fixtures/crash-served.ts');
    spawnSync(process.execPath, [fixture, here.root, `echo reloaded >> ${log}`]);
    const { disk, at } = mounted(here);
    expect([fs.readFileSync(at('plain'), 'utf8'), fs.readFileSync(at('served'), 'utf8')]).toEqual(['new', 'new']);

    const { found, endedProcesses } = await here.stateManager({ targetRoot: disk }).recover();
    expect([fs.readFileSync(at('plain'), 'utf8'), fs.readFileSync(at('served'), 'utf8')]).toEqual(['old', 'old']);
    expect(here.read('plain')).toBe('new');
    expect(endedProcesses).toBe(0);
    expect(found.map(({ slot, outcome, error }) => [slot, outcome, error])).toEqual([
      ['served', 'failed', 'everything of served was put back, but its commands have to run on the machine itself'],
      ['plain', 'restored', undefined],
    ]);
    expect(fs.existsSync(log)).toBe(false);

    const own = await here.stateManager().recover(); // The machine itself, when it starts again.
    expect(own.found.map(({ slot, outcome }) => [slot, outcome])).toEqual([
      ['served', 'restored'],
      ['plain', 'restored'],
    ]);
    expect(fs.readFileSync(log, 'utf8')).toBe('reloaded\n');
  });
});
