import fs from 'node:fs';
import path from 'node:path';
import { ORCHESTRATOR_VERSION as INSTALLED } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { releaseTree } from './support/releases.ts';
import { until, type Running } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/*
 * Real releases, built from this checkout, on a server that has the checkout's own program installed.
 */
const NEXT = '1.1.0';
const log = (server: ServerFolder): string => fs.readFileSync(server.logFile, 'utf8');
const modulesAt = (version: string) => repositoryWith({ one: { version }, two: { version } });
const version = async (server: ServerFolder): Promise<string> => (await server.updater('--version')).stdout.trim();

const untilModuleRuns = ({ output }: Running): Promise<void> =>
  until('the module runs', () => output().stdout.includes('Executing module: one'), 120_000);

interface RecordOnDisk {
  proven: string | null;
  previous: string | null;
  unproven?: { version: string; tries: number };
  failed?: { version: string; failures: number; error: string }[];
}

const recordOf = ({ stateDir }: ServerFolder): RecordOnDisk =>
  JSON.parse(fs.readFileSync(path.join(stateDir, 'orchestrator.json'), 'utf8')) as RecordOnDisk;

const releasesOf = ({ modulesPath }: ServerFolder): string[] =>
  fs.readdirSync(path.join(modulesPath, 'orchestrator/releases')).sort();

const currentOf = ({ modulesPath }: ServerFolder): string | undefined => {
  const link = path.join(modulesPath, 'orchestrator/current');
  return fs.existsSync(link) ? fs.readlinkSync(link) : undefined;
};

const metadataOf = ({ modulesPath }: ServerFolder): object =>
  (JSON.parse(fs.readFileSync(path.join(modulesPath, 'index.json'), 'utf8')) as { metadata: object }).metadata;

describe('a release of the updater', () => {
  it('is taken, goes on with the very cycle, and is what every command runs from then on', async () => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT })) });
    const found = await server.answer('check');
    expect(found.exitCode).toBe(10);
    expect(found.answer.data.orchestrator).toEqual({ version: INSTALLED, available: NEXT, notice: null });

    const { exitCode, answer } = await server.answer('run');
    expect({ exitCode, outcome: answer.data.outcome }).toEqual({ exitCode: 0, outcome: 'ok' });
    expect(answer.data.orchestrator).toEqual({ version: NEXT, from: INSTALLED, available: null, problems: [] });
    expect(answer.data.updated).toHaveLength(2);
    expect(log(server)).toContain('Schema updates needed: 2 modules, orchestrator: True\n');
    expect(log(server).match(/Orchestrator 1\.1\.0 goes on with this cycle/g)).toHaveLength(1);
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
    expect(metadataOf(server)).toEqual({ schema_version: NEXT, channel: 'stable' });
    expect(recordOf(server)).toEqual({ format: 1, proven: NEXT, previous: null, failed: [] });
    expect(currentOf(server)).toBe(`releases/${NEXT}`);

    expect(await version(server)).toBe(NEXT);
    expect((await server.updater('status')).stdout).toContain(`The updater is ${NEXT}.\n`);
    expect((await server.updater('history', answer.data.run)).stdout).toContain(
      `updater ${NEXT} (updated from ${INSTALLED} in this run), commit `,
    );
    expect((await server.updater('run')).stdout).toContain('orchestrator: False\n');

    // A setting that the installed program does not know may be one of the release.
    const config = path.join(server.root, 'config.json');
    fs.writeFileSync(config, JSON.stringify({ settingOfTomorrow: 1 }));
    const later = await server.start(['--version'], { environment: { UPDATER_CONFIG: config } }).ended;
    expect(later).toEqual({ exitCode: 0, stdout: `${NEXT}\n`, stderr: '' });
  });

  it.each(['0.9.0', INSTALLED])('that is %s is not taken', async (older) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: older })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(fs.existsSync(path.join(server.modulesPath, 'orchestrator'))).toBe(false);
  });

  it('that jumps too many major versions is refused, and modules are updated all the same', async () => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: '99.0.0' })) });
    const { exitCode, stdout } = await server.updater('run');
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/Orchestrator 99\.0\.0 is refused: .*trust\.maxMajorJump is 10/);
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
  });

  it('is not what a run of one module is about', async () => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT })) });
    expect((await server.updater('run', '--module', 'one')).exitCode).toBe(0);
    expect(await version(server)).toBe(INSTALLED);
  });

  it('passes on a signal, ends at a safe point, and is not blamed for it', async () => {
    const server = await serverFolder();
    const main = 'await new Promise((resolve) => setTimeout(resolve, 3_600_000).unref()); return { success: true };';
    const modules = repositoryWith({ one: { version: '1.0.0', main: `setInterval(() => {}, 1000); ${main}` } });
    await server.repository.commit({ ...modules, ...(await releaseTree({ version: NEXT })) });
    const running = server.start(['run']);
    await untilModuleRuns(running);
    running.child.kill('SIGTERM');
    expect((await running.ended).exitCode).toBe(143);
    expect(recordOf(server)).toMatchObject({ proven: null, unproven: { version: NEXT, tries: 0 } });
    await server.repository.commit(repositoryWith({ one: { version: '1.0.1' } }));
    expect((await server.updater('run')).exitCode).toBe(0);
    expect([server.index(), await version(server)]).toEqual([{ one: '1.0.1' }, NEXT]);
  });

  it('holds the lock while it runs, also when the program that started it is killed', async () => {
    const server = await serverFolder();
    const flag = path.join(server.root, 'go-on');
    const waits = `while (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((r) => setTimeout(r, 10)); return { success: true };`;
    const modules = repositoryWith({ one: { version: '1.0.0', main: waits } });
    await server.repository.commit({ ...modules, ...(await releaseTree({ version: NEXT })) });
    const running = server.start(['run']);
    const holder = path.join(server.stateDir, 'lock');
    await untilModuleRuns(running);
    const { pid } = JSON.parse(fs.readFileSync(holder, 'utf8')) as { pid: number };
    expect(pid).not.toBe(running.pid);
    running.child.kill('SIGKILL');
    expect((await server.updater('run')).exitCode).toBe(5);
    fs.writeFileSync(flag, '');
    expect((await server.updater('run', '--wait', '60')).exitCode).toBe(0);
    expect(await version(server)).toBe(NEXT);
  });
});

const MIDDLE = `
import fs from 'node:fs';
export { version, selfCheck } from './real.mjs';
export async function main(argv) {
  const link = process.env.UPDATER_MODULES_PATH + '/modules/one';
  setInterval(() => {
    if (fs.existsSync(link)) process.kill(process.pid, 'SIGKILL');
  }, 1);
  return (await import('./real.mjs')).main(argv);
}`;
const real = (names: string, rest: string): string => `export { ${names} } from './real.mjs';\n${rest}`;
const forever = 'new Promise(() => setInterval(() => {}, 1000))';

type Spec = Omit<Parameters<typeof releaseTree>[0], 'version'>;

describe('a release that is refused before it runs', () => {
  it.each<[string, Spec, RegExp]>([
    ['does not parse', { index: 'export const version = ' }, /it cannot be loaded: Unexpected end of input/],
    ['throws on load', { index: `throw new Error('no such luck')` }, /it cannot be loaded: no such luck/],
    ['hangs at load', { index: `await ${forever}` }, /its self-check did not end within 2 s/],
    [
      'hangs in its self-check',
      { index: real('version, main', `export const selfCheck = () => ${forever};`) },
      /its self-check did not end within 2 s/,
    ],
    [
      'fails its self-check',
      { index: real('version, main', `export async function selfCheck() { throw new Error('no native part'); }`) },
      /its self-check failed: no native part/,
    ],
    ['is older than index.json says', { builtAs: '1.0.5' }, /release\.json says that it is 1\.0\.5/],
    [
      'has a file with another sha256',
      { damage: (directory) => fs.appendFileSync(path.join(directory, 'index.mjs'), '\n') },
      /index\.mjs does not have the sha256 that release\.json says/,
    ],
    [
      'lacks a file',
      { damage: (directory) => fs.rmSync(path.join(directory, 'module-host.mjs')) },
      /module-host\.mjs is missing/,
    ],
  ])('because it %s', async (_, spec, why) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT, ...spec })) });
    const timeout = why.source.includes('within 2 s') ? '2' : '120';
    const first = await server.start(['run'], { environment: { UPDATER_RELEASE_TIMEOUT: timeout } }).ended;
    expect(first.stdout).toMatch(why);
    expect({ exitCode: first.exitCode, stderr: first.stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(server.index()).toEqual({ one: '1.0.0', two: '1.0.0' });
    expect(recordOf(server)).toMatchObject({ proven: null, failed: [{ version: NEXT, failures: 1 }] });
    expect([releasesOf(server), currentOf(server), await version(server)]).toEqual([[], undefined, INSTALLED]);

    await server.repository.commit(modulesAt('2.0.0'));
    const next = await server.updater('run');
    expect(next.exitCode).toBe(0);
    expect(next.stdout).toMatch(/Orchestrator 1\.1\.0 failed here .*next try after/);
    expect(server.index()).toEqual({ one: '2.0.0', two: '2.0.0' });
    expect((await server.updater('status')).stdout).toMatch(/Its version 1\.1\.0 failed here .*next try after/);
  });
});

describe('a release that fails only when it runs', () => {
  it.each<[string, string, RegExp]>([
    [
      'ends the process',
      real('version, selfCheck', 'export const main = async () => process.exit(0);'),
      /it ended with exit code 0, and had not finished the cycle/,
    ],
    [
      'throws',
      real('version, selfCheck', `export const main = async () => { throw new Error('not today'); };`),
      /it ended with exit code 1, and had not finished the cycle/,
    ],
    ['dies in the middle of the cycle', MIDDLE, /it was ended by SIGKILL/],
  ])('because it %s: the old one finishes the very cycle', async (_, index, why) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT, index })) });
    const { exitCode, answer, stderr } = await server.answer('run');
    expect(stderr).toMatch(why);
    expect(answer.data.orchestrator).toMatchObject({ version: INSTALLED, available: NEXT });
    expect({ exitCode, index: server.index() }).toEqual({ exitCode: 3, index: { one: '1.0.0', two: '1.0.0' } });
    expect([await version(server), recordOf(server).unproven?.tries]).toEqual([INSTALLED, 1]);
  });

  it('is taken back after three tries, and another one is taken then', async () => {
    const index = real('version, selfCheck', 'export const main = async () => 0;');
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT, index })) });
    for (const [at, wanted] of ['1.0.0', '2.0.0', '3.0.0'].entries()) {
      if (at > 0) await server.repository.commit(modulesAt(wanted));
      const { exitCode, stdout } = await server.updater('run');
      expect(stdout).toContain(`it ended with exit code 0, and had not finished the cycle (try ${at + 1} of 3)`);
      expect({ exitCode, index: server.index() }).toEqual({ exitCode: 3, index: { one: wanted, two: wanted } });
    }
    expect(log(server)).toContain(`orchestrator ${NEXT} did not finish a cycle in 3 tries`);
    expect(recordOf(server)).toMatchObject({ proven: null, failed: [{ version: NEXT, failures: 1 }] });
    expect([releasesOf(server), currentOf(server), await version(server)]).toEqual([[], undefined, INSTALLED]);
    expect((await server.updater('run')).exitCode).toBe(0);

    await server.repository.remove('orchestrator');
    await server.repository.commit({ ...modulesAt('4.0.0'), ...(await releaseTree({ version: '1.1.1' })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect([server.index(), await version(server)]).toEqual([{ one: '4.0.0', two: '4.0.0' }, '1.1.1']);
  });
});

/** It works until the marker is there. */
const dying = (marker: string): string =>
  real(
    'version, selfCheck',
    `import fs from 'node:fs';
    import { main as real } from './real.mjs';
    export const main = async (argv) => {
      if (argv.includes('run') && fs.existsSync(${JSON.stringify(marker)})) DIE;
      return real(argv);
    };`,
  );

describe('a proven release that dies in run after run', () => {
  it.each([
    ['by a signal', `process.kill(process.pid, 'SIGKILL')`],
    ['by an error', `throw new Error('not on this machine')`],
  ])('%s gives way after the third to the one before it, and has to prove itself again', async (_, die) => {
    const server = await serverFolder();
    const marker = path.join(server.root, 'broken');
    const index = dying(marker).replace('DIE', die);
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: '1.2.0', index })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(recordOf(server)).toMatchObject({ proven: '1.2.0', previous: NEXT });

    fs.writeFileSync(marker, '');
    await server.repository.commit(modulesAt('2.0.0'));
    for (let at = 0; at < 3; at += 1) {
      const { exitCode } = await server.updater('run');
      expect([1, 137]).toContain(exitCode);
      expect((await server.updater('status')).exitCode).toBe(0); // Other commands are no end of a run.
    }
    const { exitCode, stdout, stderr } = await server.updater('run');
    expect(stderr).toContain(
      'updater: version 1.2.0 is not started: it died in its last 3 runs; the one before it is used',
    );
    expect(stdout).toContain(
      `Orchestrator 1.2.0 is not used any more (it died in its last 3 runs); ${NEXT} takes its place`,
    );
    expect({ exitCode, index: server.index() }).toEqual({ exitCode: 3, index: { one: '2.0.0', two: '2.0.0' } });
    expect([await version(server), recordOf(server)]).toMatchObject([NEXT, { proven: NEXT, unproven: { tries: 1 } }]);

    fs.rmSync(marker);
    expect((await server.updater('run')).exitCode).toBe(0);
    expect([await version(server), recordOf(server).proven]).toEqual(['1.2.0', '1.2.0']);
    expect(fs.existsSync(path.join(server.stateDir, 'orchestrator_deaths.json'))).toBe(false);
  });
});

describe('a proven release that cannot be started any more', () => {
  it.each<[string, (file: string) => void]>([
    ['is cut short', (file) => fs.truncateSync(file, 100)],
    ['is empty', (file) => fs.truncateSync(file, 0)],
    ['is gone', (file) => fs.rmSync(file)],
  ])('because its file %s, gives way to the installed program, and is installed again', async (_, damage) => {
    const server = await serverFolder();
    await server.repository.commit({ ...modulesAt('1.0.0'), ...(await releaseTree({ version: NEXT })) });
    expect((await server.updater('run')).exitCode).toBe(0);
    damage(path.join(server.modulesPath, `orchestrator/releases/${NEXT}/index.mjs`));
    expect(await version(server)).toBe(INSTALLED);
    await server.repository.commit(modulesAt('2.0.0'));
    await server.updater('run');
    expect(server.index()).toEqual({ one: '2.0.0', two: '2.0.0' });
    await server.updater('run');
    expect(await version(server)).toBe(NEXT);
  });
});
