import fs from 'node:fs';
import path from 'node:path';
import { childEnvironment, runCommand } from '@homeserver/system';
import { createRepository, file, MAINTAINER, makeTree, temporaryDirectory } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { program } from './support/run-updater.ts';
import { serverFolder } from './support/server-folder.ts';

const readme = fs.readFileSync(path.resolve(import.meta.dirname, '../../../README.md'), 'utf8');

/** The code block of the README that follows the name of a file. */
function block(name: string): string {
  const [, text] = new RegExp(`\`${name}\`:\\n\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  if (text === undefined) throw new Error(`README.md has no ${name}`);
  return text;
}

/** The modules/greeting of the README; the file that it keeps is this one. */
const greeting = (motd: string): { [name: string]: string } => ({
  'index.json': block('modules/greeting/index.json').replace('/etc/motd', motd),
  'index.ts': block('modules/greeting/index.ts'),
});

/** What is to be typed in the repository then. */
function commands(): string {
  const [, text] = /\nIn the repository, .*:\n\n```sh\n([\s\S]*?)```/.exec(readme) ?? [];
  if (text === undefined) throw new Error('README.md does not say what to do in the repository');
  return text;
}

it(
  'installs and runs the module of the README as it stands there, which then changes nothing more',
  { timeout: 30_000 },
  async () => {
    const server = await serverFolder();
    const motd = path.join(server.root, 'motd');
    await server.repository.commit({ modules: { greeting: greeting(motd) } });

    const first = await server.answer('run');
    expect(first.exitCode).toBe(0);
    expect(fs.readFileSync(motd, 'utf8')).toBe('Welcome home.\n');
    const second = await server.answer('run');
    expect(first.answer.data.modules[0].changed).toBe(true);
    expect(second.answer.data.modules[0].changed).toBe(false);
  },
);

it(
  'has that module tested and committed by the commands of the README as they stand there',
  { timeout: 120_000 },
  async () => {
    const repository = await createRepository(temporaryDirectory());
    await repository.git('config', 'user.name', 'Maintainer');
    await repository.git('config', 'user.email', 'maintainer@example.org');
    makeTree(repository.directory, { modules: { greeting: greeting('/etc/motd') } });
    const bin = temporaryDirectory();
    const few = '[ "$1 $2" = "module test" ] && set -- "$@" --kills 1';
    makeTree(bin, { updater: file(`#!/bin/sh\n${few}\nexec '${process.execPath}' '${program}' "$@"\n`, 0o755) });

    const { exitCode, stdout } = await runCommand(['sh', '-ec', commands()], {
      cwd: repository.directory,
      env: childEnvironment({ [MAINTAINER]: '1', PATH: `${bin}:${process.env['PATH']}` }),
    });
    expect([exitCode, stdout.toString()]).toEqual([0, expect.stringContaining('greeting 1.0.0 holds')]);
    expect(await repository.git('log', '-1', '--format=%s')).toBe('Greet whoever logs in');
  },
);
