import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '@homeserver/system';
import { gitByHand, MAINTAINER } from '@homeserver/test-support';
import { stageTree, syncMirror } from '../src/index.ts';
import { refusal, scene } from './support.ts';

describe('what a repository holds', () => {
  it('is written as it is, whatever its attributes would have a checkout do', async () => {
    const { remote, mirror, directory } = await scene();
    await remote.git('config', 'core.autocrlf', 'false');
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n';
    await remote.commit({
      module: {
        '.gitattributes': '* filter=lfs diff=lfs eol=crlf ident export-ignore\n*.sh filter=evil\n',
        'large.bin': pointer,
        'run.sh': 'echo $Id$\n',
        readme: 'lower',
        README: 'upper',
        '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% ran\n',
      },
    });
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const target = path.join(directory, 'staged');
    await stageTree(mirror, await remote.git('rev-parse', `${commit}:module`), target);
    const read = (name: string): string => fs.readFileSync(path.join(target, name), 'utf8');
    expect([read('large.bin'), read('run.sh'), read('readme'), read('README')]).toEqual([
      pointer,
      'echo $Id$\n',
      'lower',
      'upper',
    ]);
    expect(fs.readdirSync(target).sort()).toEqual(
      ['.gitattributes', '.gitmodules', 'README', 'large.bin', 'readme', 'run.sh'].sort(),
    );
  });

  it('is refused when a module has more than 100,000 entries', async () => {
    const { remote, mirror, directory } = await scene();
    const blob = await remote.git('rev-parse', 'HEAD:index.json');
    const lines = Array.from({ length: 100_001 }, (_, at) => `100644 blob ${blob}\tf${at}\n`).join('');
    const made = await gitByHand(['-C', remote.directory, 'mktree'], { input: lines });
    const tree = made.stdout.toString().trim();
    await remote.git('update-ref', 'refs/heads/main', await remote.git('commit-tree', '-m', 'many', tree));
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await expect(stageTree(mirror, tree, path.join(directory, 'staged'))).rejects.toThrow(
      refusal('too-large', /more than 100000 entries/),
    );
    expect(fs.existsSync(path.join(directory, 'staged'))).toBe(false);
  });

  it('is refused when one file has more than 2 GiB, however small it was on its way', async () => {
    const { remote, mirror, directory } = await scene();
    const script = `head -c 2147483649 /dev/zero | ${MAINTAINER}=1 git hash-object -w --stdin`;
    const made = await runCommand(['/bin/sh', '-c', script], { cwd: remote.directory });
    const blob = made.stdout.toString().trim();
    const input = `100644 blob ${blob}\tlarge\n`;
    const tree = (await gitByHand(['-C', remote.directory, 'mktree'], { input })).stdout.toString().trim();
    await remote.git('update-ref', 'refs/heads/main', await remote.git('commit-tree', '-m', 'large', tree));
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await expect(stageTree(mirror, tree, path.join(directory, 'staged'))).rejects.toThrow(
      refusal('too-large', /2147483648|2 GiB|bytes/),
    );
    expect(fs.existsSync(path.join(directory, 'staged'))).toBe(false);
  }, 900_000); // On a busy machine 2 GiB take their time.
});
