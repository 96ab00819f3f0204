import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TreeNode } from '@homeserver/test-support';
import { moduleFiles } from './support/module-files.ts';
import { serverFolder } from './support/server-folder.ts';

const index = (metadata: unknown): string => JSON.stringify({ metadata });
const version2 = (metadata: Record<string, unknown>): string => index({ schema_version: '2.0.0', ...metadata });
const good = (version: string): { [name: string]: TreeNode } => moduleFiles('good', { version });
const isNoVersion = 'metadata.schema_version: must be a version like 1.2.3 (strict semver)';

/** By module: its index.json (undefined: there is none), and what the one line says after the file's name. */
const broken: Record<string, [TreeNode | undefined, string | RegExp]> = {
  absent: [undefined, 'is missing'],
  empty: ['', 'is empty'],
  truncated: ['{"metadata": {"schema_ver', /^is not valid JSON \(.+\)$/],
  bytes: [new Uint8Array([0xff, 0xfe, 0x00]), /^is not valid JSON \(.+\)$/],
  list: ['[]', 'must be of type object'],
  directory: [{ file: '' }, /^is (missing|not a regular file)$/],
  'no-metadata': ['{}', 'metadata: is missing'],
  'no-version': [index({}), 'metadata.schema_version: is missing'],
  'number-for-version': [index({ schema_version: 1.2 }), 'metadata.schema_version: must be of type string'],
  'version-short': [index({ schema_version: '1.2' }), isNoVersion],
  'version-v': [index({ schema_version: 'v1.2.0' }), isNoVersion],
  'version-zero': [index({ schema_version: '01.2.3' }), isNoVersion],
  'version-empty': [index({ schema_version: '' }), isNoVersion],
  'other-name': [version2({ name: 'good' }), 'metadata.name: is "good", but the module\'s directory is "other-name"'],
  'enabled-text': [version2({ enabled: 'yes' }), 'metadata.enabled: must be of type boolean'],
  'priority-word': [version2({ priority: 'high' }), /^metadata\.priority: /],
  'dependencies-text': [version2({ dependencies: 'good' }), /^metadata\.dependencies: must be of type array/],
  'no-time': [version2({ timeoutSeconds: 0 }), /^metadata\.timeoutSeconds: /],
  configuration: [JSON.stringify({ metadata: { schema_version: '2.0.0' }, configuration: 7 }), /^configuration: /],
};

describe('what a repository has that cannot be used', { timeout: 60_000 }, () => {
  it('is named in one line each, with file and field; those modules stay and run as they are, the others go on', async () => {
    const server = await serverFolder();
    const names = Object.keys(broken).sort();
    const before = names.map((name) => [name, moduleFiles(name, { version: '1.0.0' })] as const);
    await server.repository.commit({ modules: { ...Object.fromEntries(before), good: good('1.0.0') } });
    expect((await server.updater('run')).exitCode).toBe(0);
    const entries = names.map((name) => server.entryOf(name));

    await server.repository.remove(...names.map((name) => `modules/${name}/index.json`));
    const after = Object.entries(broken).flatMap(([name, [node]]) =>
      node === undefined ? [] : [[name, { 'index.json': node }] as const],
    );
    await server.repository.commit({ modules: { ...Object.fromEntries(after), good: good('1.0.1') } });
    const { exitCode, stdout } = await server.updater('run');

    expect(exitCode).toBe(3);
    const errors = stdout.split('\n').flatMap((line) => / \[ERROR\] (.*)$/.exec(line)?.[1] ?? []);
    expect(errors).toHaveLength(names.length);
    for (const [at, name] of names.entries()) {
      const [, file = '', why = ''] = /^modules\/([\w-]+\/index\.json): (.*)$/.exec(errors[at] ?? '') ?? [];
      expect(file).toBe(`${name}/index.json`);
      expect(why).toMatch(broken[name]?.[1] ?? '');
    }
    expect(names.map((name) => server.entryOf(name))).toEqual(entries);
    expect(server.index()['good']).toBe('1.0.1');
    expect(stdout.match(/✓ Module '.*' executed successfully/g)).toHaveLength(names.length + 1);
  });

  it('may also be a module without an entry, or a directory that cannot be a module', async () => {
    const server = await serverFolder();
    await server.repository.commit({
      modules: {
        empty: { 'index.json': index({ schema_version: '1.0.0' }) },
        'Not A Name': moduleFiles('x', { version: '1.0.0' }),
        good: moduleFiles('good', { version: '1.0.0' }),
      },
    });
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(3);
    expect(answer.data.notices.map((notice: { text: string }) => notice.text)).toEqual([
      expect.stringMatching(/^modules\/Not A Name: is not a module name/),
      expect.stringMatching(/^modules\/empty: has no entry; one of index\.ts, .* is needed$/),
    ]);
    expect(server.index()).toEqual({ good: '1.0.0' });
  });

  it('cannot steer the terminal, nor forge a line', async () => {
    const server = await serverFolder();
    const name = 'red\u001b[31m\n[2026-01-01 00:00:00] [INFO] all is well';
    await server.repository.commit({ modules: { [name]: moduleFiles('x', { version: '1.0.0' }) } });
    for (const args of [['check'], ['run'], ['status'], ['history'], ['history', '2']]) {
      const { stdout, stderr } = await server.updater(...args);
      expect(stdout + stderr).not.toMatch(/\u001b|^\[2026-01-01/m);
    }
    expect(fs.readFileSync(server.logFile, 'utf8')).toContain(String.raw`red\x1b[31m\x0a[2026`);
  });

  it('may also be a module whose links lead out of it', async () => {
    const server = await serverFolder();
    const modules = { bad: moduleFiles('bad', { version: '1.0.0' }), good: moduleFiles('good', { version: '1.0.0' }) };
    await server.repository.commit({ modules });
    fs.symlinkSync('/etc/shadow', path.join(server.repository.directory, 'modules/bad/secret'));
    await server.repository.commit({});
    const { exitCode, answer } = await server.answer('run');
    expect(exitCode).toBe(3);
    expect(answer.data.not_updated).toEqual([
      { name: 'bad', error: expect.stringMatching(/^modules\/bad: .*secret.*/) },
    ]);
    expect(server.index()).toEqual({ good: '1.0.0' });
  });

  it('may also be a file that this machine cannot take: its module fails alone', async () => {
    const server = await serverFolder();
    const bad = moduleFiles('bad', { version: '1.0.0', files: { zeros: new Uint8Array(400_000) } });
    await server.repository.commit({ modules: { bad, good: good('1.0.0') } });
    // No file may grow beyond 200 000 bytes; what git brings is compressed.
    const ended = await server.start(['run', '--json'], { through: ['prlimit', '--fsize=200000:'] }).ended;
    expect(ended.exitCode).toBe(3);
    expect(JSON.parse(ended.stdout).data.not_updated).toEqual([
      { name: 'bad', error: expect.stringMatching(/^modules\/bad: cannot write .*zeros: EFBIG/) },
    ]);
    expect(server.index()).toEqual({ good: '1.0.0' });
    expect((await server.updater('run')).exitCode).toBe(0);
    expect(server.index()).toEqual({ bad: '1.0.0', good: '1.0.0' });
  });
});
