import fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory, UNGUESSABLE } from '@homeserver/test-support';
import { syncMirror } from '../src/index.ts';
import { observeGit } from './observed-git.ts';
import { refusal, scene } from './support.ts';

const secret = `s3cr@t/pass word ${UNGUESSABLE}`;
const authorization = `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`;

/** Serves the files of a repository to whoever has the password; keeps what the process list showed meanwhile. */
async function serve(repository: string): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(...processList());
    const file = path.join(repository, new URL(request.url ?? '/', 'http://x').pathname.replace(/^\/updates/, ''));
    if (request.headers.authorization !== authorization)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) response.writeHead(404).end();
    else response.writeHead(200).end(fs.readFileSync(file));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

/** The command lines of every process that this user can see. */
function processList(): string[] {
  const lines: string[] = [];
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      lines.push(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    } catch {
      // It ended.
    }
  }
  return lines.filter((line) => line.includes('git'));
}

describe('a repository behind http', () => {
  it('gets the password of the URL, and no process list ever shows it', async () => {
    const { remote, mirror } = await scene();
    await remote.git('update-server-info');
    const { port, seen } = await serve(path.join(remote.directory, '.git'));
    const url = `http://me:${encodeURIComponent(secret)}@127.0.0.1:${port}/updates`;
    expect((await syncMirror(mirror, { url, branch: 'main' })).fetched).toBe(true);
    expect(seen.some((line) => line.includes('remote-http'))).toBe(true);
    const shown = seen.filter((line) =>
      [secret, encodeURIComponent(secret), authorization].some((text) => line.includes(text)),
    );
    expect(shown).toEqual([]);
  });

  it('is not asked for a password that the URL does not have, nor is a person', async () => {
    const { remote, mirror } = await scene();
    const { port } = await serve(path.join(remote.directory, '.git'));
    for (const account of ['', `me:wrong-${UNGUESSABLE}@`]) {
      const failing = syncMirror(mirror, { url: `http://${account}127.0.0.1:${port}/updates`, branch: 'main' });
      await expect(failing).rejects.toThrow(
        refusal('unreachable', /cannot reach the repository http:\/\/.*Authentication failed/),
      );
      await expect(failing).rejects.not.toThrow(new RegExp(UNGUESSABLE));
    }
  });
});

/** A program named ssh, first in PATH, that runs the command here: the one thing that needs no second machine to be seen. */
async function standIn(): Promise<string> {
  const directory = temporaryDirectory();
  const observed = await observeGit(directory); // For its place in PATH.
  onTestFinished(() => observed.end());
  const log = path.join(directory, 'ssh-calls');
  const script = `#!/bin/sh\necho "$*" >> ${log}\nfor last; do :; done\nexec sh -c "$last"\n`;
  fs.writeFileSync(path.join(directory, 'bin/ssh'), script, { mode: 0o755 });
  return log;
}

describe('a repository behind ssh', () => {
  it.each([
    ['user@host:path', (directory: string) => `git@server.test:${directory}`, / git@server\.test git-upload-pack/],
    [
      'ssh://user@host:port/path',
      (directory: string) => `ssh://git@server.test:2222${directory}`,
      / -p 2222 git@server\.test git-upload-pack/,
    ],
  ])('is reached as %s, without a question to anybody', async (_form, urlOf, wanted) => {
    const { remote, mirror } = await scene();
    const log = await standIn();
    expect((await syncMirror(mirror, { url: urlOf(remote.directory), branch: 'main' })).fetched).toBe(true);
    const calls = fs.readFileSync(log, 'utf8');
    expect(calls).toMatch(wanted);
    expect(calls.split('\n').filter((line) => line !== '' && !line.startsWith('-oBatchMode=yes '))).toEqual([]);
  });
});
