import { describe, expect, it } from 'vitest';
import { breachesOfGitPolicy, gitSettings, gitVariables } from '../../src/watch/git-policy.ts';
import { judgePrograms, MAINTAINER } from '../../src/watch/judge-programs.ts';
import type { ProgramStart } from '../../src/watch/program-starts.ts';
import { showsSecret, UNGUESSABLE } from '../../src/watch/unguessable.ts';

const settings = gitSettings.flatMap((setting) => ['-c', setting]);
const right = ['git', ...settings, '--git-dir=/m', 'fetch', '--no-tags', '--end-of-options', 'file:///r', 'main'];
const environment: Record<string, string> = {
  ...Object.fromEntries(gitVariables),
  PATH: '/usr/bin:/bin',
  HOME: '/root',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ALLOW_PROTOCOL: 'file',
  GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oConnectTimeout=30',
};

const without = (word: string): string[] => right.filter((one, at) => one !== word && right[at + 1] !== word);

describe('the policy for git', () => {
  it('is kept by a call as the program makes it', () => {
    expect(breachesOfGitPolicy(right, environment)).toEqual([]);
    const checking = ['git', ...settings, '--git-dir=/m', 'fsck', '--full']; // It has no values.
    expect(breachesOfGitPolicy(checking, { ...environment, GIT_ALLOW_PROTOCOL: 'none' })).toEqual([]);
    expect(breachesOfGitPolicy(['git', '--version'], {})).toEqual([]);
    const reading = ['git', ...settings, '--git-dir=/m', 'cat-file', '--batch'];
    expect(breachesOfGitPolicy(reading, { ...environment, GIT_ALLOW_PROTOCOL: 'none' })).toEqual([]);
  });

  it.each(gitSettings)('misses -c %s', (setting) => {
    expect(breachesOfGitPolicy(without(setting), environment)).toEqual([`is not given -c ${setting}`]);
  });

  it.each(gitVariables)('misses %s=%s', (name, value) => {
    const { [name]: _, ...rest } = environment;
    expect(breachesOfGitPolicy(right, rest)).toEqual([`does not have ${name}=${value}`]);
  });

  it.each<[string, string[], Record<string, string>]>([
    ['has a value before --end-of-options', without('--end-of-options'), environment],
    ['has a value before --end-of-options', right.toSpliced(right.indexOf('--end-of-options'), 0, '/r'), environment],
    ['does not say which repository is meant', right.filter((word) => word !== '--git-dir=/m'), environment],
    ['may use the protocol ext', right, { ...environment, GIT_ALLOW_PROTOCOL: 'ext' }],
    ['may use the protocol undefined', right, lacking('GIT_ALLOW_PROTOCOL')],
    ['reads the settings of a user', right, lacking('GIT_CONFIG_GLOBAL')],
    ['lets ssh ask a person', right, { ...environment, GIT_SSH_COMMAND: 'ssh' }],
    ['has no HOME', right, lacking('HOME')],
    ['has a relative directory in PATH', right, { ...environment, PATH: '/bin:.' }],
    ['is handed LD_PRELOAD from outside', right, { ...environment, LD_PRELOAD: '/x.so' }],
    ['is handed GIT_EXEC_PATH from outside', right, { ...environment, GIT_EXEC_PATH: '/x' }],
    ['is handed PGPASSWORD from outside', right, { ...environment, PGPASSWORD: 'x' }],
  ])('is broken by what %s', (breach, argv, given) => {
    expect(breachesOfGitPolicy(argv, given)).toEqual([breach]);
  });

  it('asks of a merge of three files no more than that it sees no settings and no repository', () => {
    const merge = ['git', 'merge-file', '-p', 'a', 'b', 'c'];
    const { GIT_ASKPASS: _, GIT_ALLOW_PROTOCOL: __, ...rest } = environment;
    expect(breachesOfGitPolicy(merge, { ...rest, GIT_DIR: '/dev/null' })).toEqual([]);
    expect(breachesOfGitPolicy(merge, { ...rest })).toEqual(['does not say which repository is meant']);
  });
});

function lacking(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([key]) => key !== name));
}

/** Starts by their number from 1; each says which one started it. */
function tree(...starts: [by: number, argv: string[], environment?: Record<string, string>][]): ProgramStart[] {
  const made: ProgramStart[] = [];
  for (const [by, argv, variables = {}] of starts) {
    made.push({ number: made.length + 1, startedBy: made[by - 1], cwd: '/x/packages/a', argv, environment: variables });
  }
  return made;
}

const vitest = ['node', '/x/node_modules/vitest/vitest.mjs', 'run'];

describe('of all programs', () => {
  it('a git of ours is judged, and counted for the package; that of a maintainer, and git’s own, are not', () => {
    const judged = judgePrograms(
      tree(
        [0, ['git', 'status']], // Before the tests.
        [0, vitest],
        [2, ['node', 'worker']],
        [3, ['prlimit', ...right], {}],
        [4, right, environment],
        [5, ['git', 'index-pack'], {}],
        [6, ['/bin/sh', '-c', 'git x']],
        [7, ['git', 'x'], {}],
        [3, ['git', 'commit'], { [MAINTAINER]: '1' }],
        [3, ['/usr/bin/git', 'status'], environment],
      ),
    );
    expect([judged.starts, [...judged.gitCalls]]).toEqual([8, [['packages/a', 2]]]);
    expect(judged.breaches.length).toBeGreaterThan(gitSettings.length);
    expect(judged.breaches.filter((line) => !line.startsWith('packages/a: /usr/bin/git status: '))).toEqual([]);
  });

  it('none may show a secret', () => {
    const shown = [`--password=${UNGUESSABLE}`, `x${UNGUESSABLE}`, `https://me:a%20${UNGUESSABLE}@h/`];
    for (const argument of shown)
      expect(judgePrograms(tree([0, vitest], [1, ['/usr/bin/psql', argument]])).breaches).toEqual([
        'packages/a: psql shows a secret in its arguments',
      ]);
    expect(judgePrograms(tree([0, vitest], [1, ['psql', '--no-password']])).breaches).toEqual([]);
  });

  it.each(['', 'm', 'me', 'me:', 'me:x', 'user:pass '])('nor hide it in base64, wherever it stands: %j', (before) => {
    const header = Buffer.from(`${before}${UNGUESSABLE} and more`).toString('base64');
    expect(header).not.toContain(UNGUESSABLE);
    expect(showsSecret(`Authorization: Basic ${header}`)).toBe(true);
  });
});
