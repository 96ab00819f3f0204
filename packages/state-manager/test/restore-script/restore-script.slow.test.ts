import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describeTree, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { damage, join, nastyTree, perform } from '../nasty-tree.ts';
import { asRoot, scene } from '../scene.ts';
import { promised, runScript, shells } from './shells.ts';
import { backedUpSite, harm, promisedOf, type Site } from './site.ts';

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('restore.sh under %s', (_, shell) => {
  it('brings back whatever was captured, whatever happened to it', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(nastyTree, damage, fc.boolean(), async (tree, harming, asWhole) => {
        const here = scene();
        const outside = path.join(here.root, 'outside');
        fs.mkdirSync(outside);
        perform(tree, here.live, outside);
        const names = fs.readdirSync(here.live, { encoding: 'buffer' });
        const files = asWhole ? [here.live] : [...names, Buffer.from('absent')].map((name) => join(here.live, name));
        await here.stateManager().backupModuleState('site', { files });
        const was = files.map((root) => promised(root as string));
        perform(harming, here.live, outside);
        const script = path.join(here.backupDir, 'site_backup/restore.sh');
        expect(runScript([...shell, script, '--yes', '--with-absent'])).toMatchObject({ exitCode: 0, stderr: '' });
        expect(files.map((root) => promised(root as string))).toEqual(was);
      }),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 40) },
    );
  });
});

describe('restore.sh in a chroot', () => {
  asRoot('needs nothing but busybox, not even /proc or /dev', async () => {
    const root = chrootWith('busybox');
    execFileSync('chroot', [root, '/bin/busybox', '--install', '-s', '/bin'], { stdio: 'pipe' });
    const site = await backedUpSite();
    harm(site);
    expect(restoreIn(root, site, '/bin/sh')).toEqual({ exitCode: 0, stderr: '' });
    expect(promisedOf(site.live)).toEqual(site.was);
  });

  asRoot('needs nothing but dash, coreutils and /proc, and says so when that is not mounted', async () => {
    const coreutils = 'cp mv ln chmod chown mkdir mkfifo rm rmdir touch sync date id tr wc sha256sum'.split(' ');
    const root = chrootWith('dash', ...coreutils);
    const site = await backedUpSite();
    harm(site);
    const before = describeTree(site.live, { times: false });
    const { exitCode, stderr } = restoreIn(root, site, '/bin/dash');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('is it that /proc is not mounted? Then: mount -t proc proc /proc\n');
    expect(describeTree(site.live, { times: false })).toEqual(before);
    fs.mkdirSync(path.join(root, 'proc'));
    expect(restoreIn(root, site, '/bin/dash')).toEqual({ exitCode: 0, stderr: '' });
    expect(promisedOf(site.live)).toEqual(site.was);
  });
});

/** Restores a site from within `root`, where its disk is mounted under its own name; /proc too if there is a place for it. */
function restoreIn(root: string, site: Site, shell: string): { exitCode: number | null; stderr: string } {
  fs.mkdirSync(path.join(root, site.root), { recursive: true });
  const script = `mount --bind "$2" "$1$2"
    [ ! -d "$1/proc" ] || mount -t proc proc "$1/proc"
    exec env -i "$(command -v chroot)" "$1" "$3" "$4" --yes`;
  const { status, stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-e', '-c', script, 'sh', root, site.root, shell, site.script],
    { encoding: 'utf8' },
  );
  return { exitCode: status, stderr };
}

function chrootWith(...programs: string[]): string {
  const root = temporaryDirectory();
  fs.mkdirSync(path.join(root, 'bin'));
  for (const program of programs) copyProgram(program, root);
  return root;
}

function copyProgram(name: string, root: string): void {
  const file = execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
  fs.copyFileSync(file, path.join(root, 'bin', name));
  const libraries = spawnSync('ldd', [file], { encoding: 'utf8' }).stdout.match(/\/[^ ]+/g) ?? [];
  for (const library of libraries) {
    fs.mkdirSync(path.join(root, path.dirname(library)), { recursive: true });
    fs.copyFileSync(library, path.join(root, library));
  }
}
