import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ensureDebianPackages, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { program } from './support/run-updater.ts';

/* What the shells themselves offer when somebody presses the tabulator key. */

const shells = ['bash', 'zsh', 'fish'] as const;
const missing = await ensureDebianPackages(shells);
for (const shell of missing) process.stderr.write(`LEFT OUT: completion in ${shell}: it is not installed\n`);

/** A server with two modules, of which one has a backup link. */
function modulesPath(): string {
  const directory = temporaryDirectory();
  for (const name of ['adblock', 'adblock.backup', 'web'])
    fs.mkdirSync(path.join(directory, 'modules', name), { recursive: true });
  return directory;
}

function completionOf(shell: string): string {
  return spawnSync(process.execPath, [program, 'completion', shell], { encoding: 'utf8' }).stdout;
}

function fileWith(text: string): string {
  const file = path.join(temporaryDirectory(), 'completion');
  fs.writeFileSync(file, text);
  return file;
}

function ask(shell: (typeof shells)[number], script: string): string[] {
  const environment = { PATH: process.env['PATH'], HOME: temporaryDirectory(), UPDATER_MODULES_PATH: modulesPath() };
  const { stdout, stderr, status } = spawnSync(shell, ['-c', script], { encoding: 'utf8', env: environment });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split(/\s+/).filter(Boolean).sort();
}

const expected: [string[], string[]][] = [
  [['back'], ['backup', 'backups']],
  [
    ['backups', ''],
    ['list', 'remove', 'show', 'verify'],
  ],
  [['run', '--ret'], ['--retry']],
  [
    ['why', ''],
    ['adblock', 'web'],
  ],
];

describe.skipIf(missing.includes('bash'))('completion in bash', () => {
  const text = completionOf('bash');
  it.each(expected)('of %j offers %j', (typed, offered) => {
    const words = ['updater', ...typed].map((word) => `'${word}'`).join(' ');
    const script = `source '${fileWith(text)}'; COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _updater; echo "\${COMPREPLY[@]}"`;
    expect(ask('bash', script)).toEqual(offered);
  });
});

describe.skipIf(missing.includes('fish'))('completion in fish', () => {
  const text = completionOf('fish');
  it.each(expected)('of %j offers %j', (typed, offered) => {
    const script = `source '${fileWith(text)}'; complete -C'updater ${typed.join(' ')}' | cut -f1`;
    expect(ask('fish', script)).toEqual(offered);
  });
});

describe.skipIf(missing.includes('zsh'))('completion in zsh', () => {
  const text = completionOf('zsh');
  it('is a function that zsh reads', () => {
    expect(spawnSync('zsh', ['-n', fileWith(text)]).status).toBe(0);
  });

  it.each(expected)('of %j offers %j', (typed, offered) => {
    // Stand-ins for the functions of a completion in progress: they print what they are given.
    const script = `
      _describe() { local -a shown=("\${(@P)2}"); print -l -- "\${(@)shown%%:*}" | grep -- "^\${words[CURRENT]}" }
      compadd() { shift; print -l -- "$@" | grep -- "^\${words[CURRENT]}" }
      _files() {}
      words=(updater ${typed.map((word) => `'${word}'`).join(' ')}); CURRENT=${typed.length + 1}
      source '${fileWith(text)}'`;
    expect(ask('zsh', script)).toEqual(offered);
  });
});
