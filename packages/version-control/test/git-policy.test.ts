import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '@homeserver/system';
import {
  breachesOfGitPolicy,
  createRepository,
  createSigningKey,
  gitByHand,
  gitSettings,
  gitVariables,
  signWith,
  temporaryDirectory,
} from '@homeserver/test-support';
import { remoteAccess } from '../src/git-policy.ts';
import {
  checkRepositoryUrl,
  isAncestor,
  listModuleVersions,
  openMirror,
  readBlobs,
  readTreeEntries,
  resolveVersion,
  stageTree,
  syncMirror,
  syncModuleTags,
  withBundle,
  type ModuleVersion,
} from '../src/index.ts';
import { verifyCommit, verifyTag } from '../src/verify-signature.ts';
import { observeGit, type GitCall } from './observed-git.ts';
import { refusal, scene, type Scene } from './support.ts';

const hostile: Readonly<Record<string, string>> = {
  GIT_DIR: '/nonexistent',
  GIT_WORK_TREE: '/nonexistent',
  GIT_OBJECT_DIRECTORY: '/nonexistent',
  GIT_INDEX_FILE: '/nonexistent',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.sshCommand',
  GIT_CONFIG_VALUE_0: 'touch ran',
  GIT_SSH: '/bin/false',
  GIT_EXEC_PATH: '/nonexistent',
  GIT_TEMPLATE_DIR: '/nonexistent',
  GIT_TRACE: '1',
  GIT_REDIRECT_STDERR: '/nonexistent/x',
  SSH_ASKPASS: '/bin/false',
  LD_PRELOAD_OF_THE_TEST: 'x',
  NODE_OPTIONS: '',
};

function withEnvironment(values: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** Every kind of call that the package makes on a server: syncs, reading, staging, signatures, versions, a bundle. */
async function useEverything({ remote, mirror, directory }: Scene): Promise<void> {
  const sync = (): Promise<{ commit: string }> => syncMirror(mirror, { url: remote.url, branch: 'main' });
  const { commit: first } = await sync();
  await remote.commit({ more: 'x' });
  await sync();
  await remote.git('reset', '-q', '--hard', first);
  await sync();
  const [tree] = await readTreeEntries(mirror, `${first}:modules`);
  const [file] = await readTreeEntries(mirror, `${first}:modules/adblock`);
  await readBlobs(mirror, [file?.id ?? '']);
  await stageTree(mirror, tree?.id ?? '', path.join(directory, 'staged'));
  await remote.git('tag', '-a', '-m', 'x', 'adblock-v1.0.0-20261120');
  await syncModuleTags(mirror, { url: remote.url, branch: 'main' }, 'adblock');
  const [version] = await listModuleVersions(mirror, 'adblock');
  const signers = { allowedFile: path.join(directory, 'nobody'), revokedFile: directory };
  await resolveVersion(mirror, 'adblock', version as ModuleVersion, signers).catch(() => {}); // Signed by nobody.
  await verifyTag(mirror, version?.objectId ?? '', signers).catch(() => {});
  await isAncestor(mirror, first, first);
  await signWith(remote, await createSigningKey(path.join(directory, 'key')));
  const signed = await remote.commit({ more: 'signed' });
  await syncMirror(mirror, { url: remote.url, branch: 'main' });
  await verifyCommit(mirror, signed, signers).catch(() => {});
  const bundle = path.join(directory, 'x.bundle');
  await remote.git('bundle', 'create', '-q', bundle, 'main');
  await withBundle(mirror, bundle, 'main', (url) => syncMirror(mirror, { url, branch: 'main' }));
}

describe('every call of git', () => {
  let calls: GitCall[] = [];
  let home = '';

  beforeAll(async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-test-'));
    const remote = await createRepository(path.join(directory, 'remote'));
    await remote.commit({ modules: { adblock: { 'index.json': '{}' } } });
    const observed = await observeGit(directory);
    const restore = withEnvironment(hostile);
    home = process.env['HOME'] ?? '';
    try {
      await useEverything({
        directory,
        remote,
        mirror: openMirror({ directory: path.join(directory, 'repo') }),
        said: [],
      });
      calls = observed.calls().filter(({ argv }) => argv[0] === '-c'); // The others are those of the remote's maintainer.
    } finally {
      restore();
      observed.end();
      fs.rmSync(directory, { recursive: true, force: true });
    }
  });

  it('is among the calls that these tests have seen', () => {
    expect([...new Set(calls.map(({ command }) => command))].sort()).toEqual([
      'bundle',
      'cat-file',
      'fetch',
      'for-each-ref',
      'ls-remote',
      'ls-tree',
      'merge-base',
      'rev-list',
      'show-ref',
      'update-ref',
      'verify-commit',
      'verify-tag',
    ]);
  });

  it.each(gitSettings)('is given -c %s', (setting) => {
    for (const { argv } of calls) expect(argv[argv.indexOf(setting) - 1]).toBe('-c');
  });

  it.each([...gitVariables, ['GIT_CONFIG_GLOBAL', '/dev/null'] as const])('has %s=%s', (name, value) => {
    for (const { environment } of calls) expect(environment[name]).toBe(value);
  });

  it('has HOME, and nothing of what could steer git or its helpers from outside', () => {
    for (const { environment } of calls) {
      expect(environment['HOME']).toBe(home);
      const inherited = Object.keys(hostile).filter((name) => environment[name] === hostile[name]);
      expect(inherited).toEqual([]);
    }
  });

  it('that reaches a remote may use its scheme only; the others none at all', () => {
    for (const { command, environment } of calls) {
      expect(environment['GIT_ALLOW_PROTOCOL']).toBe(['fetch', 'ls-remote'].includes(command) ? 'file' : 'none');
    }
  });

  it('that reaches a remote could not ask a person for a password of ssh', () => {
    for (const { command, environment } of calls.filter((call) => ['fetch', 'ls-remote'].includes(call.command))) {
      expect(`${command} ${environment['GIT_SSH_COMMAND']}`).toMatch(/ ssh .*-oBatchMode=yes/);
    }
  });

  it('has --end-of-options before each value from outside', () => {
    for (const { command, argv } of calls.filter((call) => call.command !== 'cat-file')) {
      const end = argv.indexOf('--end-of-options');
      expect(end, command).toBeGreaterThan(0);
      const ours = argv.slice(argv.indexOf(command) + 1, end);
      expect(
        ours.filter((word) => !word.startsWith('-')),
        command,
      ).toEqual(command === 'bundle' ? ['list-heads'] : []);
    }
  });

  it('keeps all of what `npm test` asks of every call', () => {
    for (const { argv, environment } of calls) expect(breachesOfGitPolicy(['git', ...argv], environment)).toEqual([]);
  });

  it('fetches what it names, and nothing else', () => {
    const wanted = [
      '+refs/heads/main:refs/heads/main', // Also one that was rewound: whether it is accepted is decided later.
      'refs/tags/adblock-v1.0.0-20261120:refs/tags/adblock-v1.0.0-20261120',
      'refs/tags/*:refs/tags/*', // Out of a bundle, into a repository that goes away again.
    ];
    for (const { argv } of calls.filter(({ command }) => command === 'fetch')) {
      expect(argv.slice(argv.indexOf('fetch'))).toEqual(
        expect.arrayContaining(['--no-tags', '--no-recurse-submodules', '--no-auto-maintenance']),
      );
      expect(wanted).toContain(argv.at(-1));
    }
  });
});

describe('git under the policy', () => {
  it('runs nothing that was planted in the config or the hooks of the mirror', async () => {
    const at = await scene();
    await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    const ran = path.join(at.directory, 'ran');
    const script = path.join(at.directory, 'script');
    fs.writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> ${ran}\n`, { mode: 0o755 });
    const planted = `[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsmonitor = ${script}\n\thooksPath = ${at.directory}/hooks\n\tsshCommand = ${script}\n\talternateRefsCommand = ${script}\n[url "ext::${script} "]\n\tinsteadOf = ${at.remote.url}\n[uploadpack]\n\tpackObjectsHook = ${script}\n[protocol "ext"]\n\tallow = always\n`;
    for (const hooks of [path.join(at.directory, 'hooks'), path.join(at.mirror.directory, 'hooks')]) {
      fs.mkdirSync(hooks);
      for (const hook of ['reference-transaction', 'post-checkout', 'pre-auto-gc', 'post-rewrite'])
        fs.copyFileSync(script, path.join(hooks, hook));
    }
    fs.writeFileSync(path.join(at.mirror.directory, 'config'), planted);
    const commit = await at.remote.commit({ new: 'x' });
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toMatchObject({
      commit,
      fetched: true,
    });
    await at.remote.git('reset', '-q', '--hard', 'HEAD~1');
    expect(await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).toMatchObject({ fetched: false });
    expect(fs.existsSync(ran)).toBe(false);
    expect(fs.readFileSync(path.join(at.mirror.directory, 'config'), 'utf8')).not.toContain(script);
    expect(at.said).toEqual([]);
  });

  it('does not obey the config of the user', async () => {
    const at = await scene();
    const home = path.join(at.directory, 'home');
    fs.mkdirSync(home);
    fs.writeFileSync(
      path.join(home, '.gitconfig'),
      `[url "file:///nonexistent/"]\n\tinsteadOf = file://\n[core]\n\tsshCommand = false\n`,
    );
    onTestFinished(withEnvironment({ HOME: home, XDG_CONFIG_HOME: home }));
    expect((await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).fetched).toBe(true);
  });

  it('refuses objects that git would never have made', async () => {
    const at = await scene();
    const blob = await at.remote.git('rev-parse', 'HEAD:index.json');
    const line = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
    const made = await gitByHand(
      ['-C', at.remote.directory, 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin'],
      { input: line },
    );
    const commit = await at.remote.git('commit-tree', '-m', 'hostile', made.stdout.toString().trim());
    await at.remote.git('update-ref', 'refs/heads/main', commit);
    await expect(syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).rejects.toThrow(
      refusal('damaged', /hasDotgit/),
    );
  });

  it('sees the history as it was made, not as refs\\/replace or grafts in the mirror have it', async () => {
    const at = await scene();
    const { commit } = await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    const other = await at.remote.commit({ 'index.json': '{"other":true}' });
    await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' });
    fs.mkdirSync(path.join(at.mirror.directory, 'refs/replace'));
    fs.writeFileSync(path.join(at.mirror.directory, 'refs/replace', other), `${commit}\n`);
    const entries = await readTreeEntries(at.mirror, other);
    const index = entries.find((entry) => entry.path === 'index.json');
    expect((await readBlobs(at.mirror, [index?.id ?? ''])).get(index?.id ?? '')?.toString()).toBe('{"other":true}');
  });

  it('reads from a local repository of another user', async () => {
    const at = await scene();
    await giveAway(at.remote.directory);
    expect((await syncMirror(at.mirror, { url: at.remote.url, branch: 'main' })).fetched).toBe(true);
    expect((await syncMirror(at.mirror, { url: `${at.remote.directory}/.git`, branch: 'main' })).fetched).toBe(false);
    fs.symlinkSync(at.remote.directory, path.join(at.directory, 'link'));
    expect((await syncMirror(at.mirror, { url: path.join(at.directory, 'link'), branch: 'main' })).fetched).toBe(false);
    expect(fs.readdirSync(path.dirname(at.mirror.directory))).toEqual(['repo']);
  });

  it('trusts a repository of another user for itself alone, and one of our own without a word', async () => {
    const directory = temporaryDirectory();
    const scratch = path.join(directory, 'scratch');
    fs.mkdirSync(path.join(directory, 'remote'));
    expect(remoteAccess(checkRepositoryUrl(path.join(directory, 'remote')), scratch)).toEqual({
      scheme: 'file',
      settings: [],
    });
    expect(fs.existsSync(scratch)).toBe(false);
    await giveAway(path.join(directory, 'remote'));
    const theirs = process.getuid?.() === 0 ? path.join(directory, 'remote') : '/usr';
    expect(remoteAccess(checkRepositoryUrl(`${theirs}/`), scratch)).toEqual({
      scheme: 'file',
      settings: [],
      globalConfig: scratch,
    });
    expect(fs.readFileSync(scratch, 'utf8').trim().split('\n')).toEqual([
      '[safe]',
      ...['', '/.git', '.git', '.git/.git'].map((end) => `\tdirectory = "${theirs}${end}"`),
    ]);
    expect(fs.statSync(scratch).mode & 0o777).toBe(0o600);
  });
});

/** root gives the files to somebody else; an ordinary user cannot, and reads his own. */
async function giveAway(directory: string): Promise<void> {
  if (process.getuid?.() === 0) await runCommand(['chown', '-R', '12345:12345', directory]);
}
