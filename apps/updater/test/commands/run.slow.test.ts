import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

describe('updater run', { timeout: 60_000 }, () => {
  it('gives a failed version its predecessor back, withholds it, and tries it again with --retry', async () => {
    const server = await serverFolder();
    const marker = path.join(server.root, 'works-now');
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    await server.updater('run');
    const main = `if (!fs.existsSync('${marker}')) throw new Error('not here'); return { success: true };`;
    await server.repository.commit(repositoryWith({ one: { version: '1.1.0', main } }));
    expect((await server.updater('run')).exitCode).toBe(3);
    expect(server.index()).toEqual({ one: '1.0.0' });

    fs.writeFileSync(marker, '');
    const withheld = await server.answer('run');
    expect(withheld.exitCode).toBe(0);
    expect(withheld.answer.data.notices).toMatchObject([{ name: 'one', kind: 'withheld' }]);
    expect(server.index()).toEqual({ one: '1.0.0' });
    expect((await server.updater('run', '--retry')).exitCode).toBe(0);
    expect(server.index()).toEqual({ one: '1.1.0' });
  });

  it('fails each module alone that exits, hangs, or cannot be read', async () => {
    const server = await serverFolder();
    await server.repository.commit(
      repositoryWith({
        exits: { version: '1.0.0', main: 'process.exit(0);' },
        hangs: { version: '1.0.0', main: 'await new Promise(() => {});', metadata: { timeoutSeconds: 0.5 } },
        syntax: { version: '1.0.0', files: { 'index.ts': 'export async function main( { =' } },
        works: { version: '1.0.0' },
      }),
    );
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(3);
    expect(answer.data.modules.map((one: { name: string; status: string }) => `${one.name} ${one.status}`)).toEqual([
      'exits failed',
      'hangs failed',
      'syntax failed',
      'works succeeded',
    ]);
  });
});
