import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { executablePath, nodeFor } from '@homeserver/program-build';
import { readAttributes, setAttribute } from '@homeserver/system';
import {
  createRepository,
  describeTree,
  ensureDebianPackages,
  file,
  hardlink,
  link,
  makeTree,
  temporaryDirectory,
} from '@homeserver/test-support';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { buildPackage } from '../src/build-package.ts';
import { describeOnArm64, onArm64 } from './support/emulated-arm64.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 900_000 });

const PROGRAMS = ['updater', 'rollback-standalone'];
const apps = path.join(import.meta.dirname, '../..');
/** Small boards have kernels with pages of 4, 16 or 64 KiB. */
const LARGEST_PAGE = 64n * 1024n;

const missing = await ensureDebianPackages(['lintian']);
if (missing.length > 0)
  process.stderr.write('LEFT OUT: the check of the arm64 package by lintian: it is not installed\n');

const whyNot = whyNoPrograms();
if (whyNot !== undefined) process.stderr.write(`LEFT OUT: everything for arm64: ${whyNot}\n`);
else beforeAll(makeExecutables);

const build = (compression: 'gzip' | 'none'): string =>
  buildPackage(temporaryDirectory(), {
    version: '1.0.0',
    architecture: 'arm64',
    sourceDate: 1_700_000_000,
    compression,
  });

describe.skipIf(whyNot !== undefined)('the package for arm64', () => {
  it('is the same for the same sources, byte for byte, also when its programs are made anew', () => {
    const one = digestOf(build('none'));
    makeExecutables();
    expect(digestOf(build('none'))).toBe(one);
  });

  it.skipIf(missing.length > 0)('is what lintian wants, but for the overrides that it names', () => {
    const argv = ['--allow-root', '--fail-on', 'error', build('gzip')];
    const { stdout, stderr } = spawnSync('lintian', argv, { encoding: 'utf8' });
    expect(`${stdout}${stderr}`.split('\n').filter((line) => /^[EW]: /.test(line))).toEqual([]);
  });

  it.each(PROGRAMS)('has a %s that also kernels with large pages can load', (name) => {
    for (const { offset, address } of segmentsOf(executablePath(path.join(apps, name), 'arm64')))
      expect(offset % LARGEST_PAGE).toBe(address % LARGEST_PAGE);
  });
});

await describeOnArm64('the emergency program for arm64', whyNot, () => {
  it('lists and restores a backup that the program for this kind of machine made', async () => {
    const server = temporaryDirectory();
    const album = path.join(server, 'album');
    makeTree(album, {
      'photo.jpg': file(Buffer.from([0, 255, 10, 13]), 0o600),
      'same.jpg': hardlink('photo.jpg'),
      latest: link('photo.jpg'),
      scripts: { run: file('#!/bin/sh\n', 0o4751) },
    });
    setAttribute(path.join(album, 'photo.jpg'), 'user.title', Buffer.from('the sea'));
    const was = describeTree(album);
    await backUpWithUpdater(server, album);

    fs.rmSync(path.join(album, 'same.jpg'));
    fs.writeFileSync(path.join(album, 'photo.jpg'), 'lost');
    fs.chmodSync(path.join(album, 'scripts/run'), 0o644);
    const backups = ['--backup-dir', path.join(server, 'backups')];
    expect(onArm64('rollback-standalone', '--list-backups', ...backups)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^album {2}\d{4}-/),
    });
    expect(onArm64('rollback-standalone', '--restore-backup', 'album', '--yes', ...backups)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(describeTree(album)).toEqual(was);
    expect(readAttributes(path.join(album, 'photo.jpg')).get('user.title')?.toString()).toBe('the sea');
  });
});

await describeOnArm64('the updater for arm64', whyNot, () => {
  it('says its version, its help, and what a settings file sets', () => {
    const settings = path.join(temporaryDirectory(), 'config.json');
    fs.writeFileSync(settings, '{"repoUrl": "https://example.org/updates.git"}');
    for (const args of [['--version'], ['--help'], ['config', 'check', settings]])
      expect(onArm64('updater', ...args)).toEqual({ exitCode: 0, stdout: ofThisMachine(args), stderr: '' });
  });

  // In the user namespace of an ordinary user, / is nobody's, and the updater trusts no path through it.
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) process.stderr.write('LEFT OUT: a run of the updater for arm64; only root can have it emulated.\n');
  it.runIf(isRoot)('runs modules, and rolls back the one that fails', async () => {
    const server = temporaryDirectory();
    const repository = await createRepository(path.join(server, 'repository'));
    const [good, bad] = ['good', 'bad'].map((name) => path.join(server, name)) as [string, string];
    fs.writeFileSync(bad, 'mine');
    await repository.commit({
      modules: {
        good: moduleFiles('good', writes(good)),
        bad: moduleFiles('bad', `${writes(bad)} throw new Error('it broke');`),
      },
    });
    const { exitCode, stdout, stderr } = onArm64(
      'updater',
      'run',
      '--repo-url',
      repository.url,
      ...directoriesOf(server),
    );
    expect(`${stdout}${stderr}`).toContain("✗ Module 'bad' failed: it broke");
    expect(exitCode).toBe(3);
    expect(fs.readFileSync(good, 'utf8')).toBe('by arm64');
    expect(fs.readFileSync(bad, 'utf8')).toBe('mine');
  });
});

function directoriesOf(server: string): string[] {
  const places = {
    '--modules-path': 'modules',
    '--state-dir': 'state',
    '--backup-dir': 'backups',
    '--log-file': 'log',
  };
  return Object.entries(places).flatMap(([flag, name]) => [flag, path.join(server, name)]);
}

const writes = (place: string): string =>
  `await context.state.guard(context.name, { files: [${JSON.stringify(place)}] }, async () => fs.writeFileSync(${JSON.stringify(place)}, 'by ' + process.arch));`;

function moduleFiles(name: string, body: string): { [file: string]: string } {
  return {
    'index.json': JSON.stringify({ metadata: { schema_version: '1.0.0', name } }),
    'index.ts': `import fs from 'node:fs';\nexport async function main(_: string[], context: any) {\n${body}\nreturn { success: true };\n}\n`,
  };
}

/** By a module that guards the album and leaves it as it is. */
async function backUpWithUpdater(server: string, album: string): Promise<void> {
  const repository = await createRepository(path.join(server, 'repository'));
  const guards = `await context.state.guard('album', { files: [${JSON.stringify(album)}] }, async () => {});`;
  await repository.commit({ modules: { keeper: moduleFiles('keeper', guards) } });
  ofThisMachine(['run', '--repo-url', repository.url, ...directoriesOf(server)]);
}

/** What the updater of this checkout prints; it must end with 0. */
function ofThisMachine(args: readonly string[]): string {
  const argv = [path.join(apps, 'updater/bin/updater.js'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${stdout}${stderr}`);
  return stdout;
}

/** Node for arm64 is no part of what `npm run setup` installs. */
function whyNoPrograms(): string | undefined {
  try {
    nodeFor('arm64');
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return (error as Error).message;
    throw error;
  }
}

function makeExecutables(): void {
  for (const name of PROGRAMS) {
    const argv = [path.join(apps, name, 'make-executable.ts'), '--arch', 'arm64'];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`cannot make ${name}: ${stderr}`);
  }
}

function digestOf(deb: string): string {
  return createHash('sha256').update(fs.readFileSync(deb)).digest('hex');
}

/** The loadable segments of a 64-bit ELF file, elf(5). */
function segmentsOf(executable: string): { offset: bigint; address: bigint }[] {
  const LOAD = 1;
  const bytes = fs.readFileSync(executable);
  const [table, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  const headers = Array.from({ length: count }, (_, index) => bytes.subarray(table + index * size));
  const segments = headers.filter((header) => header.readUInt32LE(0) === LOAD);
  expect(segments.length).toBeGreaterThan(2); // One is ours.
  return segments.map((header) => ({ offset: header.readBigUInt64LE(8), address: header.readBigUInt64LE(16) }));
}
