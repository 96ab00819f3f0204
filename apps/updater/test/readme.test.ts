import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/exit-codes.ts';
import { keyOf, settingDefinitions, settingNames, variableName } from '../src/settings/settings.ts';
import { repositoryWith, writesVersion } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';

const readme = fs.readFileSync(path.resolve(import.meta.dirname, '../README.md'), 'utf8');
const codeBlocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
const cells = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const tableAfter = (heading: string): string[][] =>
  (readme.split(/^## /m).find((section) => section.startsWith(heading)) ?? '')
    .split('\n')
    .filter((line) => /^\| [`\d]/.test(line))
    .map(cells);

describe('the README', () => {
  it('gives commands that run as they stand', async () => {
    const server = await serverFolder();
    const file = path.join(server.root, 'conf');
    fs.writeFileSync(file, 'mine', { mode: 0o644 });
    const configuration = { directories: { conf: { path: file, mode: '644' } }, backup_paths: [file] };
    for (const version of ['1.1.0', '1.2.0']) {
      await server.repository.commit(
        repositoryWith({ adblock: { version, main: writesVersion(file), configuration } }),
      );
      await server.repository.git('tag', `adblock-v${version}-20261120`);
    }
    fs.writeFileSync(path.join(server.root, 'config.json'), '{}');
    const commands = (codeBlocks[1] ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, ''));
    expect(commands.length).toBeGreaterThan(25);
    for (const command of commands) {
      const args = command
        .replace('https://example.org/updates.git', server.repository.url)
        .replace('/etc/hosts', process.getuid?.() === 0 ? '/etc/hosts' : file) // Only root could give it back.
        .split(' ')
        .slice(1);
      const { exitCode, stdout, stderr } = await server.start(args, { cwd: server.root }).ended;
      expect({ command, exitCode, stderr }).toEqual({ command, exitCode: 0, stderr: '' });
      expect(stdout).not.toBe('');
    }
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  it('lists every setting as the program has it', () => {
    const expected = settingNames.map((name) => [
      `\`${keyOf(name)}\``,
      withTicks(settingDefinitions[name].flag),
      `\`${variableName(name)}\``,
    ]);
    const table = tableAfter('Settings');
    expect(table.map((row) => row.slice(0, 3))).toEqual(expected);
    for (const [at, name] of settingNames.entries())
      if (!['localRepo', 'notifyMailFrom'].includes(name))
        expect(table[at]?.[3] ?? '').toBe(withTicks(settingDefinitions[name].default));
  });

  it('lists every exit code', () => {
    const listed = tableAfter('Exit codes').map(([code]) => code);
    expect(listed).toEqual([...Object.values(EXIT).map(String), '128+n']);
  });
});

function withTicks(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
}
