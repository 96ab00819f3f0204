import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRepository, gitByHand, temporaryDirectory } from '@homeserver/test-support';
import { openMirror, readCommit, readTreeEntries, syncMirror } from '../src/index.ts';
import { observeGit } from './observed-git.ts';
import { mirrorFiles, refusal, scene } from './support.ts';

describe('the first sync', () => {
  it('makes a bare mirror, 0700, with the tip of the branch and nothing else', async () => {
    const { remote, mirror } = await scene();
    await remote.git('tag', 'a-tag');
    await remote.git('branch', 'develop');
    const tip = await remote.git('rev-parse', 'HEAD');
    expect(await syncMirror(mirror, { url: remote.url, branch: 'main' })).toEqual({ commit: tip, fetched: true });
    expect(fs.statSync(mirror.directory).mode & 0o777).toBe(0o700);
    expect(mirrorFiles(mirror, 'refs')).toEqual(['refs/heads/main']);
    expect((await readTreeEntries(mirror, `${tip}:modules`)).map(({ path: name }) => name)).toEqual(['adblock']);
    expect(fs.readdirSync(path.dirname(mirror.directory))).toEqual(['repo']);
  });

  it('works in an empty directory, and makes it 0700', async () => {
    const { remote, mirror } = await scene();
    fs.mkdirSync(mirror.directory, { recursive: true, mode: 0o755 });
    expect((await syncMirror(mirror, { url: remote.url, branch: 'main' })).fetched).toBe(true);
    expect(fs.statSync(mirror.directory).mode & 0o777).toBe(0o700);
  });

  it('takes a plain path for a URL, and names with blanks, quotes and percent signs', async () => {
    const { directory } = await scene();
    const remote = await createRepository(path.join(directory, `o'dd "na%20me" x`));
    const commit = await remote.commit({ file: 'x' });
    const mirror = openMirror({ directory: path.join(directory, `mi'rr or%41`) });
    expect(await syncMirror(mirror, { url: remote.directory, branch: 'main' })).toEqual({ commit, fetched: true });
  });

  it('mirrors a repository with SHA-256 ids', async () => {
    const { directory, mirror } = await scene();
    const remote = path.join(directory, 'sha256');
    await gitByHand(['init', '-q', '-b', 'main', '--object-format=sha256', remote]);
    const repository = await createRepository(remote);
    const commit = await repository.commit({ modules: { a: { f: 'x' } } });
    expect(commit).toHaveLength(64);
    expect(await syncMirror(mirror, { url: repository.url, branch: 'main' })).toEqual({ commit, fetched: true });
    expect(await syncMirror(mirror, { url: repository.url, branch: 'main' })).toEqual({
      commit,
      previous: commit,
      fetched: false,
    });
    expect(await readTreeEntries(mirror, `${commit}:modules`)).toHaveLength(1);
  });

  it('never takes over a directory that holds something else', async () => {
    const { remote, directory } = await scene();
    const before = fs.readdirSync(remote.directory);
    const url = remote.url;
    await expect(syncMirror(openMirror({ directory: remote.directory }), { url, branch: 'main' })).rejects.toThrow(
      refusal('damaged', /remote as the mirror: it holds something else/),
    );
    await expect(
      syncMirror(openMirror({ directory: path.join(remote.directory, '.git') }), { url, branch: 'main' }),
    ).rejects.toThrow(refusal('damaged'));
    expect(fs.readdirSync(remote.directory)).toEqual(before);
    fs.writeFileSync(path.join(directory, 'plain'), 'x');
    await expect(
      syncMirror(openMirror({ directory: path.join(directory, 'plain') }), { url, branch: 'main' }),
    ).rejects.toThrow(refusal('damaged'));
  });
});

describe('a later sync', () => {
  it('fetches nothing when there is nothing new', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const before = mirrorFiles(mirror);
    expect(await syncMirror(mirror, { url: remote.url, branch: 'main' })).toEqual({
      commit,
      previous: commit,
      fetched: false,
    });
    expect(mirrorFiles(mirror)).toEqual(before);
  });

  it('costs one question to the remote and three looks at the mirror when there is nothing new', async () => {
    const { remote, mirror } = await scene();
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const observed = await observeGit(temporaryDirectory());
    onTestFinished(() => observed.end());
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const commands = observed.calls().map(({ command }) => command);
    expect(commands.toSorted()).toEqual(['ls-remote', 'rev-list', 'rev-list', 'show-ref']);
  });

  it('brings a new commit, and says what was there before', async () => {
    const { remote, mirror } = await scene();
    const { commit: previous } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const commit = await remote.commit({ modules: { new: { 'index.json': '{}' } } });
    expect(await syncMirror(mirror, { url: remote.url, branch: 'main' })).toEqual({ commit, previous, fetched: true });
    expect(await readTreeEntries(mirror, `${commit}:modules`)).toHaveLength(2);
  });

  it('follows a branch that was rewound, without fetching what it has', async () => {
    const { remote, mirror, said } = await scene();
    const first = await remote.git('rev-parse', 'HEAD');
    const second = await remote.commit({ a: 'x' });
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await remote.git('reset', '-q', '--hard', first);
    expect(await syncMirror(mirror, { url: remote.url, branch: 'main' })).toEqual({
      commit: first,
      previous: second,
      fetched: false,
    });
    const third = await remote.commit({ b: 'y' });
    expect(await syncMirror(mirror, { url: remote.url, branch: 'main' })).toEqual({
      commit: third,
      previous: first,
      fetched: true,
    });
    expect(said).toEqual([]);
  });

  it('follows to another branch, also where its name needs the place of the old one', async () => {
    const { remote, mirror } = await scene();
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await remote.git('branch', '-m', 'main', 'main/next');
    const commit = await remote.commit({ a: 'x' });
    expect((await syncMirror(mirror, { url: remote.url, branch: 'main/next' })).commit).toBe(commit);
    await remote.git('branch', '-m', 'main/next', 'main');
    expect((await syncMirror(mirror, { url: remote.url, branch: 'main' })).commit).toBe(commit);
  });

  it('clones anew when the repository has changed its kind of ids', async () => {
    const { directory, remote, mirror } = await scene();
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const other = path.join(directory, 'sha256');
    await gitByHand(['init', '-q', '-b', 'main', '--object-format=sha256', other]);
    const commit = await (await createRepository(other)).commit({ a: 'x' });
    expect(await syncMirror(mirror, { url: `file://${other}`, branch: 'main' })).toEqual({ commit, fetched: true });
  });
});

describe('a sync that cannot be', () => {
  it('names the branches that there are when the branch is not among them', async () => {
    const { remote, mirror } = await scene();
    await remote.git('branch', 'develop');
    await syncMirror(mirror, { url: remote.url, branch: 'develop' });
    await remote.git('branch', '-D', 'develop');
    await remote.git('branch', 'x/refs/heads/develop');
    await expect(syncMirror(mirror, { url: remote.url, branch: 'develop' })).rejects.toThrow(
      refusal('not-found', /cannot find the branch "develop" in file:.*: it has main, x\/refs\/heads\/develop$/),
    );
  });

  it('names a repository that is not there, and what git said of it', async () => {
    const { directory, mirror } = await scene();
    await expect(syncMirror(mirror, { url: `${directory}/nowhere`, branch: 'main' })).rejects.toThrow(
      refusal('unreachable', /cannot reach the repository \/.*\/nowhere: .*does not appear to be a git repository/),
    );
    expect(fs.existsSync(mirror.directory)).toBe(false);
  });

  it('leaves the mirror as it was when the remote is gone', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    fs.renameSync(remote.directory, `${remote.directory}.away`);
    await expect(syncMirror(mirror, { url: remote.url, branch: 'main' })).rejects.toThrow(refusal('unreachable'));
    expect(await readTreeEntries(mirror, commit)).toHaveLength(2);
  });

  it('stops at its time limit, and on request', async () => {
    const { mirror } = await scene();
    const server = await silentServer();
    const url = `http://127.0.0.1:${server.port}/repo`;
    await expect(syncMirror(mirror, { url, branch: 'main', timeoutMs: 300 })).rejects.toThrow(
      refusal('unreachable', /stopped after its time limit/),
    );
    const signal = AbortSignal.timeout(100);
    await expect(syncMirror(mirror, { url, branch: 'main', signal })).rejects.toThrow(
      refusal('unreachable', /stopped on request/),
    );
  });

  it('refuses more than its limit of bytes, and leaves nothing of it', async () => {
    const { remote, mirror } = await scene();
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await remote.commit({ big: randomBytes(3 * 1024 * 1024) });
    const tooMuch = { url: remote.url, branch: 'main', maxFetchBytes: 1024 * 1024 };
    await expect(syncMirror(mirror, tooMuch)).rejects.toThrow(refusal('too-large', /it is more than 1 MiB$/));
    expect((await syncMirror(mirror, { ...tooMuch, maxFetchBytes: 8 * 1024 * 1024 })).fetched).toBe(true);
    expect(mirrorFiles(mirror, 'objects').filter((file) => file.includes('tmp_'))).toEqual([]);
  });

  it('refuses more than its limit of objects, each time it is sent them; what was accepted before can still be read', async () => {
    const { remote, mirror } = await scene();
    const { commit: accepted } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await remote.commit(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`file-${at}`, `${at}\n`])));
    const tooMany = { url: remote.url, branch: 'main', maxFetchObjects: 200 };
    for (const _ of ['the first time', 'the second'])
      await expect(syncMirror(mirror, tooMany)).rejects.toThrow(
        refusal('too-large', /: 30\d objects, and 200 is the most$/),
      );
    expect((await readCommit(mirror, accepted)).committedAt).toBeGreaterThan(0);
    expect((await syncMirror(mirror, { ...tooMany, maxFetchObjects: 1000 })).fetched).toBe(true);
  });

  it('refuses a URL or a branch name before it asks anybody', async () => {
    const { directory, mirror } = await scene();
    const planted = path.join(directory, 'ran');
    await expect(syncMirror(mirror, { url: `ext::sh -c touch%20${planted}`, branch: 'main' })).rejects.toThrow(
      refusal('bad-url'),
    );
    await expect(syncMirror(mirror, { url: `--upload-pack=touch ${planted}`, branch: 'main' })).rejects.toThrow(
      refusal('bad-url'),
    );
    await expect(syncMirror(mirror, { url: directory, branch: `--upload-pack=touch ${planted}` })).rejects.toThrow(
      refusal('bad-ref'),
    );
    expect(fs.existsSync(planted)).toBe(false);
    expect(fs.existsSync(path.dirname(mirror.directory))).toBe(false);
  });
});

/** Takes connections and never says a word. */
async function silentServer(): Promise<{ port: number }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}
