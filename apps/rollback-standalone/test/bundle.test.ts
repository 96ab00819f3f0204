import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { describeTree, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { rollback } from './support/rollback.ts';
import { makeServer } from './support/server.ts';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

/** The built program in a place of its own, far from node_modules. */
function copyProgram(): string {
  const directory = path.join(temporaryDirectory(), 'usb-stick');
  fs.cpSync(dist, directory, { recursive: true });
  return directory;
}

async function makeDamagedServer() {
  const server = makeServer();
  await server.backUp('adblock', { list: 'one' });
  const was = describeTree(server.live);
  fs.writeFileSync(path.join(server.live, 'adblock/list'), 'broken');
  return { ...server, was, restore: ['--restore-backup', 'adblock', '--yes', '--backup-dir', server.backups] };
}

describe('the built program', () => {
  it('needs no package: it requires nothing but Node itself', () => {
    const text = fs.readFileSync(path.join(dist, 'main.cjs'), 'utf8');
    const required = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name);
    expect(required.length).toBeGreaterThan(10);
    expect(required.filter((name) => !isBuiltin(name))).toEqual([]);
    expect(fs.readdirSync(dist).sort()).toEqual(['koffi.node', 'main.cjs', 'metafile-cjs.json']);
  });

  it('holds nothing but the state manager, what that needs, and itself', () => {
    const [needed, neededByStateManager] = [root, path.join(root, '../../packages/state-manager')].map(
      (directory) => JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8')).dependencies as object,
    ) as [object, object];
    const further = Object.entries(needed).filter(([name]) => name !== '@homeserver/state-manager');
    expect(neededByStateManager).toMatchObject(Object.fromEntries(further));
    const { inputs } = JSON.parse(fs.readFileSync(path.join(dist, 'metafile-cjs.json'), 'utf8'));
    const ours = Object.keys(inputs).filter((file) => !/^builtin:|\/node_modules\//.test(file));
    expect(new Set(ours.map((file) => file.replace(/^(src|..\/..\/packages\/[^/]+)\/.*$/, '$1')))).toEqual(
      new Set(['package.json', 'src', '../../packages/state-manager', '../../packages/system']),
    );
  });

  it('speaks one language: those of zod that nobody asks for are a third of it', () => {
    const { inputs } = JSON.parse(fs.readFileSync(path.join(dist, 'metafile-cjs.json'), 'utf8'));
    const languages = Object.keys(inputs).filter((file) => /\/zod\/.*\/locales\/(?!index)/.test(file));
    expect(languages.map((file) => path.basename(file))).toEqual(['en.js']);
  });

  it('prints what every terminal can show: neither it nor our packages in it have a character beyond ASCII', () => {
    const sources = ['.', '../../packages/state-manager', '../../packages/system'].flatMap((place) =>
      fs.globSync('src/**/*.{ts,sh}', { cwd: path.join(root, place) }).map((file) => path.join(root, place, file)),
    );
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((file) => /[^\x00-\x7f]/.test(fs.readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('restores from a copy, with an empty environment and without PATH', async () => {
    const { live, was, restore } = await makeDamagedServer();
    const main = path.join(copyProgram(), 'main.cjs');
    const { status, stderr } = spawnSync('env', ['-i', process.execPath, main, ...restore], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(describeTree(live)).toEqual(was);
  });

  it.each([{}, { PATH: '' }, { PATH: '/nonexistent' }, { HOME: '/nonexistent', TMPDIR: '/nonexistent' }])(
    'restores with the environment %j',
    async (env) => {
      const { live, was, restore } = await makeDamagedServer();
      expect(rollback(restore, { env })).toMatchObject({ exitCode: 0, stderr: '' });
      expect(describeTree(live)).toEqual(was);
    },
  );

  it('restores from a current directory that nobody can write to', async () => {
    const { live, was, restore } = await makeDamagedServer();
    expect(rollback(restore, { cwd: '/proc' })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(describeTree(live)).toEqual(was);
  });

  it('restores from a current directory that is gone', async () => {
    const { live, was, restore } = await makeDamagedServer();
    const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"';
    const gone = path.join(live, '../gone');
    const main = path.join(dist, 'main.cjs');
    const { status } = spawnSync('/bin/sh', ['-c', script, gone, process.execPath, main, ...restore]);
    expect(status).toBe(0);
    expect(describeTree(live)).toEqual(was);
  });

  it('runs from a read-only directory, and writes nothing there', () => {
    const directory = copyProgram();
    const before = describeTree(directory);
    fs.chmodSync(directory, 0o555);
    const { status } = spawnSync(process.execPath, [path.join(directory, 'main.cjs'), '--version'], { cwd: directory });
    fs.chmodSync(directory, 0o755);
    expect(status).toBe(0);
    expect(describeTree(directory)).toEqual(before);
  });

  it('loads native code from its own directory only, and says so when it is not there', async () => {
    const directory = copyProgram();
    fs.rmSync(path.join(directory, 'koffi.node'));
    const decoy = path.join(directory, '../node_modules/@koromix/koffi-linux-x64');
    fs.mkdirSync(decoy, { recursive: true });
    fs.writeFileSync(path.join(decoy, 'index.js'), 'console.log("decoy")');
    const { restore } = await makeDamagedServer();
    const main = path.join(directory, 'main.cjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...restore], { encoding: 'utf8' });
    expect({ status, stdout: stdout.split('\n')[0] }).toEqual({ status: 2, stdout: 'The backup of adblock holds:' });
    expect(stderr).toMatch(
      /^rollback-standalone: nothing was touched: cannot load koffi\.node: .*\n {2}keep it in the same directory as main\.cjs\n$/,
    );
    expect(spawnSync(process.execPath, [main, '--verify', ...restore.slice(3)]).status).toBe(0);
  });

  it('is not taken for another kind of module by a package.json above it', () => {
    const directory = copyProgram();
    fs.writeFileSync(path.join(directory, '../package.json'), '{"type": "module"}');
    const { status } = spawnSync(process.execPath, [path.join(directory, 'main.cjs'), '--version']);
    expect(status).toBe(0);
  });

  it('starts by its name from node_modules/.bin of the checkout', () => {
    const bin = path.join(root, '../../node_modules/.bin/rollback-standalone');
    const { status, stdout } = spawnSync(bin, ['--help'], { encoding: 'utf8', cwd: '/' });
    expect(status).toBe(0);
    expect(stdout).toContain('brings back the last good state');
  });

  it('is not disturbed by a reader that goes away', async () => {
    const { live, was, restore } = await makeDamagedServer();
    const command = `'${process.execPath}' '${path.join(dist, 'main.cjs')}' ${restore.join(' ')}; echo $? >&2`;
    const { stderr } = spawnSync('/bin/sh', ['-c', `{ ${command}; } | true`], { encoding: 'utf8' });
    expect(stderr).toBe('0\n');
    expect(describeTree(live)).toEqual(was);
  });
});
