import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand } from '@homeserver/system';
import { createRepository, makeTree, temporaryDirectory, type TreeNode } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { program, startUpdater, type Ended } from '../support/run-updater.ts';

const modules = path.resolve(import.meta.dirname, '../../../../modules');

const updater = (cwd: string, ...args: string[]): Promise<Ended> => startUpdater(args, { cwd }).ended;

/** A folder with one module in it, whose main() has this body; /etc/conf has "old" in it. */
function authorsFolder(body: string, index: object = {}, files: { [name: string]: TreeNode } = {}): string {
  const folder = temporaryDirectory();
  const document = { metadata: { schema_version: '1.0.0' }, configuration: { file: '/etc/conf' }, ...index };
  makeTree(folder, {
    mine: {
      'index.json': JSON.stringify(document),
      'index.ts': `import fs from 'node:fs';\nexport async function main(args: string[], context: any) {\n${body}\n}\n`,
      test: { scratch: { etc: { conf: 'old' } } },
      ...files,
    },
  });
  return folder;
}

const guarded = `
  const { file } = context.config;
  if (fs.readFileSync(file, 'utf8') === 'new') return { success: true, changed: false };
  await context.state.guard('mine', { files: [file] }, async () => fs.writeFileSync(file, 'new'));
  return { success: true, changed: true };`;

/** The checks that failed, with why. */
async function failedChecks(folder: string): Promise<Record<string, string[]>> {
  const { stdout, exitCode } = await updater(folder, 'module', 'test', 'mine', '--kills', '1', '--json');
  const { ok, data } = JSON.parse(stdout) as {
    ok: boolean;
    data: { checks: { check: string; ok: boolean; problems: string[] }[] };
  };
  expect([exitCode, ok]).toEqual(data.checks.every((check) => check.ok) ? [0, true] : [3, false]);
  return Object.fromEntries(data.checks.filter((check) => !check.ok).map(({ check, problems }) => [check, problems]));
}

describe('updater module new', () => {
  it('makes a module whose own test passes', async () => {
    const folder = temporaryDirectory();
    const { exitCode, stdout } = await updater(folder, 'module', 'new', 'greeting');
    expect([exitCode, stdout.split('\n').slice(-2)]).toEqual([0, ['Try it: updater module test greeting', '']]);
    const few = path.join(folder, 'updater');
    fs.writeFileSync(few, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@" --kills 1\n`, { mode: 0o755 });
    const tested = await runCommand([process.execPath, '--test'], {
      cwd: path.join(folder, 'greeting'),
      env: childEnvironment({ UPDATER: few }),
    });
    expect([tested.exitCode, tested.stdout.toString()]).toEqual([0, expect.stringContaining('greeting 0.1.0 holds')]);
  });

  it('goes into modules/ in a repository that has none yet', async () => {
    const folder = temporaryDirectory();
    await createRepository(folder);
    expect((await updater(folder, 'module', 'new', 'first')).stdout).toContain('updater module test modules/first\n');
    expect(fs.existsSync(path.join(folder, 'modules/first/index.ts'))).toBe(true);
  });

  it('goes into modules/ where that is, and overwrites nothing', async () => {
    const folder = temporaryDirectory();
    fs.mkdirSync(path.join(folder, 'modules/one'), { recursive: true });
    expect((await updater(folder, 'module', 'new', 'two')).exitCode).toBe(0);
    expect(fs.readdirSync(path.join(folder, 'modules/two')).sort()).toEqual([
      'README.md',
      'index.json',
      'index.ts',
      'test',
    ]);
    const again = await updater(folder, 'module', 'new', 'one');
    expect([again.exitCode, again.stderr]).toEqual([
      2,
      expect.stringMatching(/^updater: .*modules\/one exists already; nothing was written\n$/),
    ]);
    expect((await updater(folder, 'module', 'new', '../x')).exitCode).toBe(2);
  });
});

describe('updater module test', () => {
  it('is content with a module that guards what it changes; settings of its own and of the command line count', async () => {
    const both = guarded.replaceAll("'new'", 'context.config.text');
    const folder = authorsFolder(
      both,
      {},
      { test: { scratch: { etc: { other: 'old' } }, 'scratch.json': '{"text": "from the file", "file": "/gone"}' } },
    );
    const { exitCode, stdout } = await updater(
      folder,
      'module',
      'test',
      'mine',
      '--kills',
      '2',
      '--set',
      'file=/etc/other',
    );
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^ok      it runs\n(ok      .*\n)+mine 1\.0\.0 holds\n$/),
    ]);
    expect(fs.readFileSync(path.join(folder, 'mine/test/scratch/etc/other'), 'utf8')).toBe('old');
    const wrong = await updater(folder, 'module', 'test', 'mine', '--set', 'text');
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('--set text: must be key=value')]);
  });

  it('finds what is changed outside a guard, each time, or in its own directory, by its path', async () => {
    const restless = guarded.replace("=== 'new'", "=== 'never'");
    const body = `
      fs.writeFileSync(import.meta.dirname + '/cache', '');
      fs.writeFileSync(context.config.file + '.log', 'x');${restless}`;
    expect(await failedChecks(authorsFolder(body))).toMatchObject({
      'a second run changes nothing, and says so': [
        'it said changed: true',
        '/etc/conf was written again, with the same content',
        '/etc/conf.log was written again, with the same content',
      ],
      'it leaves its own directory as it is': ['/cache was added'],
      'when it fails at its end, everything is as before': ['/etc/conf.log was added outside a guard'],
    });
  });

  it('finds one that changes something and does not say so', async () => {
    const silent = guarded.replaceAll('changed: true', 'changed: false');
    expect(await failedChecks(authorsFolder(silent))).toEqual({
      'it says whether it changed anything': ['/etc/conf was changed'],
    });
  });

  it('says why one does not run at all', async () => {
    expect(await failedChecks(authorsFolder("throw new Error('no such thing');"))).toEqual({
      'it runs': ['no such thing (entry-under-test.ts:3)'],
    });
  });

  it('breaks the closures of a hotfix module, which puts every pool back', async () => {
    const folder = temporaryDirectory();
    fs.cpSync(path.join(modules, 'hotfix'), path.join(folder, 'mine'), {
      recursive: true,
      filter: (file) => !file.includes('node_modules'),
    });
    const pool = {
      id: 'conf',
      operations: [{ target: 'conf', destination: '/etc/conf' }],
      closure: ['cd /etc', 'grep -q new /etc/conf || grep -q old conf'],
    };
    makeTree(path.join(folder, 'mine'), {
      'index.json': JSON.stringify({ metadata: { schema_version: '1.1.0' }, pools: [pool], finalClosure: [] }),
      src: { conf: 'new\n' },
      test: { scratch: { etc: { conf: 'old\n' } } },
    });
    const { exitCode, stdout } = await updater(folder, 'module', 'test', 'mine', '--kills', '2');
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringContaining('ok      when the closure of each of 1 pools fails, everything is as before\n'),
    ]);
  });

  it('makes the operations of a hotfix module fail at their end, and they are put back', async () => {
    const folder = temporaryDirectory();
    const operation = { id: 'conf', type: 'copy', source: 'conf', target: '/etc/conf' };
    makeTree(folder, {
      mine: {
        'index.json': JSON.stringify({ metadata: { schema_version: '1.1.0' }, operations: [operation] }),
        'index.ts': fs.readFileSync(path.join(modules, 'hotfix/index.ts'), 'utf8'),
        src: { conf: 'new\n' },
        test: { scratch: { etc: { conf: 'old\n' } } },
      },
    });
    const { exitCode, stdout } = await updater(folder, 'module', 'test', 'mine', '--kills', '1');
    const check = 'ok      when the last check of the operations fails, everything is as before\n';
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(check)]);
  });

  it.each(['adblock', 'hotfix'])('is content with %s, which ships', async (name) => {
    const { exitCode, stdout } = await updater('/', 'module', 'test', path.join(modules, name), '--kills', '1');
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(new RegExp(`\\n${name} 1\\.0\\.0 holds\\n$`))]);
    expect(stdout.includes('changed nothing here')).toBe(name === 'hotfix');
  });

  it.each([
    ['a directory without index.json', {}, /index\.json: is missing/],
    ['one without an entry', { 'index.json': '{"metadata": {"schema_version": "1.0.0"}}' }, /has no entry/],
  ])('refuses %s', async (_, files, words) => {
    const folder = temporaryDirectory();
    makeTree(folder, { mine: files });
    const { exitCode, stderr } = await updater(folder, 'module', 'test', 'mine');
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(words)]);
  });
});
