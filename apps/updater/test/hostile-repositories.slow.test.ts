import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createSigningKey,
  describeTree,
  gitByHand,
  link,
  makeTree,
  signWith,
  writeAllowedSigners,
  type SigningKey,
  type TreeNode,
} from '@homeserver/test-support';
import { repositoryWith } from './support/module-files.ts';
import type { Ended } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/*
 * What a repository, or who has got hold of it, may try on a server that has web 1.0.0 and wants signatures. Everything that
 * is not about the signature itself is signed by the right key: it must be refused for what it is.
 */

interface Victim extends ServerFolder {
  key: SigningKey;
  /** The commit that the server has accepted. */
  accepted: string;
  updaterWithTrust(...args: string[]): Promise<Ended>;
  release(version: string, files?: { [name: string]: TreeNode }): Promise<string>;
  /** Commits web 2.0.0 with more lines for `git mktree` in it, a line each. */
  commitLines(...lines: string[]): Promise<void>;
  blob(content: string): Promise<string>;
  tree(lines: readonly string[]): Promise<string>;
}

async function victim(): Promise<Victim> {
  const server = await serverFolder();
  const { repository } = server;
  const [signers, key] = [
    path.join(server.root, 'allowed_signers'),
    await createSigningKey(path.join(server.root, 'key')),
  ];
  writeAllowedSigners(signers, [key]);
  await signWith(repository, key);
  for (const name of ['user.name', 'user.email']) await repository.git('config', name, 'maintainer@example.org');
  makeTree(server.root, { outside: { secret: 'secret' } });
  const trust = ['--trust-allowed-signers', signers, '--trust-revoked-signers', `${signers}.revoked`];
  const release = (version: string, files: { [name: string]: TreeNode } = {}): Promise<string> =>
    repository.commit(repositoryWith({ web: { version, files } }));
  const byHand = async (args: string[], input: string): Promise<string> => {
    const made = await gitByHand(['-C', repository.directory, ...args], { input });
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    return made.stdout.toString().trim();
  };
  const tree = (lines: readonly string[]): Promise<string> =>
    byHand(['mktree'], lines.map((line) => `${line}\n`).join(''));
  const here: Victim = {
    ...server,
    key,
    accepted: await release('1.0.0'),
    release,
    tree,
    updaterWithTrust: (...args) => server.updater(...args, ...trust),
    blob: (content) => byHand(['hash-object', '-w', '--stdin'], content),
    commitLines: async (...lines) => {
      const base = await release('2.0.0');
      const web = await tree([...(await repository.git('ls-tree', `${base}:modules/web`)).split('\n'), ...lines]);
      const root = await tree([`040000 tree ${await tree([`040000 tree ${web}\tweb`])}\tmodules`]);
      await repository.git(
        'update-ref',
        'refs/heads/main',
        await repository.git('commit-tree', '-S', '-m', 'x', '-p', base, root),
      );
    },
  };
  expect((await here.updaterWithTrust('run')).exitCode).toBe(0);
  return here;
}

const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n';
const attributes = '* filter=evil diff=lfs eol=crlf ident export-ignore\n*.bin filter=lfs\n';

type Case = [what: string, prepare: (here: Victim) => Promise<unknown>, exitCode: number, said: RegExp];

const refused: Case[] = [
  [
    'an unsigned tip',
    async (here) => (await signWith(here.repository, undefined), here.release('2.0.0')),
    7,
    /it has no signature/,
  ],
  [
    'a tip signed by an unknown key',
    async (here) => {
      await signWith(here.repository, await createSigningKey(path.join(here.root, 'unknown')));
      await here.release('2.0.0');
    },
    7,
    /expected is a signature by a key in .*allowed_signers/,
  ],
  [
    'a tip signed by a revoked key',
    async (here) => {
      fs.writeFileSync(path.join(here.root, 'allowed_signers.revoked'), `${here.key.publicKey}\n`);
      await here.release('2.0.0');
    },
    7,
    /expected is a signature by a key in .*allowed_signers/,
  ],
  [
    'a branch that was rewound',
    async (here) => {
      await here.release('1.1.0');
      await here.updaterWithTrust('run');
      await here.repository.git('reset', '-q', '--hard', here.accepted);
    },
    7,
    /does not descend from/,
  ],
  [
    'an older commit that is played again to a mirror that is new',
    async (here) => {
      await here.release('1.1.0');
      await here.updaterWithTrust('run');
      fs.rmSync(path.join(here.stateDir, 'repo'), { recursive: true });
      await here.repository.git('update-ref', 'refs/heads/main', here.accepted);
    },
    7,
    /does not descend from/,
  ],
  [
    'an unrelated history',
    async (here) => {
      await here.repository.git('checkout', '-q', '--orphan', 'other');
      await here.release('2.0.0');
      await here.repository.git('branch', '-q', '-M', 'other', 'main');
    },
    7,
    /does not descend from/,
  ],
  ['version 999.0.0', (here) => here.release('999.0.0'), 3, /web 999\.0\.0 is refused/],
  ['an older version in a new commit', (here) => here.release('0.9.0'), 0, /0\.9\.0/],
  ['a submodule', (here) => here.commitLines(`160000 commit ${here.accepted}\tsub`), 3, /"sub": it is a submodule/],
  [
    'a symlink out of its module',
    async (here) => here.release('2.0.0', { out: link('../../../../outside/secret') }),
    3,
    /"out": it is a link that can lead out of the tree/,
  ],
  [
    'an absolute symlink',
    (here) => here.release('2.0.0', { passwd: link('/etc/passwd') }),
    3,
    /"passwd": it is a link to the absolute path/,
  ],
  [
    'a directory .git',
    async (here) =>
      here.commitLines(`040000 tree ${await here.tree([`100644 blob ${await here.blob('x')}\tconfig`])}\t.git`),
    6,
    /hasDotgit/,
  ],
  [
    'a .git by another name',
    async (here) =>
      here.commitLines(`100644 blob ${await here.blob('x')}\t.GIT`, `100644 blob ${await here.blob('y')}\tgit~1`),
    6,
    /hasDotgit/,
  ],
  [
    '100,001 files',
    async (here) => {
      const blob = await here.blob('x');
      const many = Array.from({ length: 100_001 }, (_, at) => `100644 blob ${blob}\tf${at}`);
      await here.commitLines(`040000 tree ${await here.tree(many)}\tmany`);
    },
    3,
    /more than 100000 entries/,
  ],
  [
    'a path of 4,000 characters and more',
    async (here) => {
      let lines = [`100644 blob ${await here.blob('x')}\tend`];
      for (let at = 0; at < 20; at += 1)
        lines = [`040000 tree ${await here.tree(lines)}\t${String(at).padStart(200, 'd')}`];
      await here.commitLines(...lines);
    },
    3,
    /too long/,
  ],
];

const harmless: Case[] = [
  [
    'attributes that name filters, pointers of LFS, and settings of submodules',
    (here) =>
      here.release('2.0.0', {
        '.gitattributes': attributes,
        '.lfsconfig': '[lfs]\n\turl = file:///nonexistent\n',
        '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ./x\n\tupdate = none\n',
        'large.bin': pointer,
        'id.txt': '$Id$\n',
      }),
    0,
    /Updated module web/,
  ],
  [
    'names that differ in case alone',
    async (here) => {
      const [upper, lower] = [await here.blob('upper'), await here.blob('lower')];
      await here.commitLines(`100644 blob ${upper}\tREADME`, `100644 blob ${lower}\treadme`);
    },
    0,
    /Updated module web/,
  ],
];

describe('a repository with', { timeout: 120_000 }, () => {
  it.each(refused)(
    '%s is refused, with the reason, and the server stays as it is',
    async (_, prepare, exitCode, said) => {
      const here = await victim();
      await prepare(here);
      const before = [here.index(), here.entryOf('web'), describeTree(path.join(here.root, 'outside'))];
      const ended = await here.updaterWithTrust('run');
      expect(ended.stderr + ended.stdout).toMatch(said);
      expect(ended.exitCode, ended.stderr).toBe(exitCode);
      expect([here.index(), here.entryOf('web'), describeTree(path.join(here.root, 'outside'))]).toEqual(before);
    },
  );

  it.each(harmless)('%s is harmless', async (_, prepare, exitCode, said) => {
    const here = await victim();
    await here.repository.git('config', 'core.autocrlf', 'false');
    await prepare(here);
    const ended = await here.updaterWithTrust('run');
    expect(ended.stderr + ended.stdout).toMatch(said);
    expect([ended.exitCode, here.index()], ended.stderr).toEqual([exitCode, { web: '2.0.0' }]);
    const web = path.join(here.modulesPath, 'modules/web');
    for (const name of fs.readdirSync(web)) {
      const content = await here.repository.git('cat-file', 'blob', `HEAD:modules/web/${name}`);
      expect(fs.readFileSync(path.join(web, name), 'utf8').replace(/\n$/, ''), name).toBe(content);
    }
  });
});

const tag = (version: string): string => `web-v${version}-20261120`;

describe('a tag that', { timeout: 120_000 }, () => {
  it.each<[string, (here: Victim) => Promise<unknown>, RegExp]>([
    ['is lightweight', (here) => here.repository.git('tag', '--no-sign', tag('2.0.0')), /lightweight/],
    [
      'is not signed',
      (here) => here.repository.git('tag', '--no-sign', '-a', '-m', 'x', tag('2.0.0')),
      /expected is a signature/,
    ],
    [
      'is the renamed tag of another version',
      async (here) => {
        await here.repository.git('tag', '-s', '-m', 'x', tag('1.0.0'), here.accepted);
        await here.repository.git('update-ref', `refs/tags/${tag('2.0.0')}`, `refs/tags/${tag('1.0.0')}`);
      },
      /was made as web-v1\.0\.0-20261120/,
    ],
    [
      'names the commit of another version',
      (here) => here.repository.git('tag', '-s', '-m', 'x', tag('2.0.0'), here.accepted),
      /it is version 1\.0\.0/,
    ],
  ])('%s is refused at checkout, and the server stays as it is', async (_, prepare, said) => {
    const here = await victim();
    await here.release('2.0.0');
    await prepare(here);
    const ended = await here.updaterWithTrust('checkout', 'web', '2.0.0');
    expect(ended.stderr).toMatch(said);
    expect([ended.exitCode, here.index()]).toEqual([7, { web: '1.0.0' }]);
  });

  it('was moved stays what it was, and that is told', async () => {
    const here = await victim();
    await here.release('2.0.0');
    await here.repository.git('tag', '-s', '-m', 'x', tag('2.0.0'));
    expect((await here.updaterWithTrust('checkout', 'web', '2.0.0')).exitCode).toBe(0);
    const entry = here.entryOf('web');
    await here.release('2.0.0', { more: 'x' });
    await here.repository.git('tag', '-f', '-s', '-m', 'x', tag('2.0.0'));
    const ended = await here.updaterWithTrust('checkout', 'web', '2.0.0');
    expect([ended.exitCode, here.entryOf('web')]).toEqual([0, entry]);
    expect(ended.stderr + ended.stdout + fs.readFileSync(here.logFile, 'utf8')).toMatch(/web-v2\.0\.0-20261120/);
  });
});
