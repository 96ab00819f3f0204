import fs from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { releaseTree } from './support/releases.ts';
import { serverFolder } from './support/server-folder.ts';

vi.setConfig({ testTimeout: 600_000 });

/** Counts its runs in its state, and says there with which settings it ran. */
const COUNTS = `
  const file = context.stateDir + '/runs';
  const runs = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
  fs.writeFileSync(file, String(runs + 1));
  fs.writeFileSync(context.stateDir + '/settings', JSON.stringify(context.config));
  return { success: true, changed: true };`;

const modulesAt = (version: string) =>
  repositoryWith({
    counting: { version, main: COUNTS, configuration: { greeting: 'hello', places: { port: 80, host: 'here' } } },
    off: { version, main: COUNTS },
    quiet: { version, main: COUNTS, metadata: { enabled: false } },
  });

it('what the owner has set and what modules keep survives twenty updates, two of the updater itself among them', async () => {
  const server = await serverFolder();
  const settingsFile = path.join(server.root, 'config.json');
  const { UPDATER_REPO_URL: repoUrl, ...environment } = server.environment;
  fs.writeFileSync(settingsFile, JSON.stringify({ repoUrl, branch: 'main', trust: { maxMajorJump: 3 } }));
  const updater = async (...args: string[]) => {
    const { exitCode, stdout } = await server.start([...args, '--config', settingsFile], {
      environment: { ...environment, UPDATER_REPO_URL: '' },
    }).ended;
    expect({ args, exitCode, stdout: exitCode === 0 ? '' : stdout }).toEqual({ args, exitCode: 0, stdout: '' });
    return stdout;
  };
  await server.repository.commit(modulesAt('1.0.0'));
  await updater('run');
  await updater('modules', 'disable', 'off');
  await updater('modules', 'enable', 'quiet');
  await updater('modules', 'set', 'counting', 'places.port', '8080');
  const globalIndex = path.join(server.modulesPath, 'index.json');
  fs.writeFileSync(globalIndex, fs.readFileSync(globalIndex, 'utf8').replace('"stable"', '"beta"'));
  const owned = [settingsFile, path.join(server.stateDir, 'owner.json')];
  const before = owned.map((file) => fs.readFileSync(file, 'utf8'));

  const releases: Record<number, string> = { 7: '1.1.0', 14: '1.2.0' };
  for (let update = 1; update <= 20; update += 1) {
    const release = releases[update];
    if (release !== undefined) await server.repository.git('rm', '-rq', '--ignore-unmatch', 'orchestrator');
    const released = release === undefined ? {} : await releaseTree({ version: release });
    await server.repository.commit({ ...modulesAt(`1.0.${update}`), ...released });
    await updater('run');
    expect(server.index()).toEqual({ counting: `1.0.${update}`, off: `1.0.${update}`, quiet: `1.0.${update}` });
  }

  expect(owned.map((file) => fs.readFileSync(file, 'utf8'))).toEqual(before);
  const state = (module: string, file: string): string =>
    fs.readFileSync(path.join(server.modulesPath, 'state', module, file), 'utf8');
  expect([state('counting', 'runs'), state('off', 'runs'), state('quiet', 'runs')]).toEqual(['21', '1', '20']);
  expect(JSON.parse(state('counting', 'settings'))).toEqual({
    greeting: 'hello',
    places: { port: 8080, host: 'here' },
  });
  const { metadata } = JSON.parse(fs.readFileSync(globalIndex, 'utf8')) as { metadata: object };
  expect(metadata).toEqual({ schema_version: '1.2.0', channel: 'beta' });
  expect((await server.start(['--version'], { environment }).ended).stdout).toBe('1.2.0\n');
  expect(fs.readdirSync(path.join(server.modulesPath, 'orchestrator/releases')).sort()).toEqual(['1.1.0', '1.2.0']);
});
