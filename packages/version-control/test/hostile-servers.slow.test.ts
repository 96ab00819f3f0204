import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { syncMirror } from '../src/index.ts';
import { refusal, scene } from './support.ts';

/** The head of an answer to git's first question (protocol version 0 of http-backend). */
const GREETING = '001e# service=git-upload-pack\n0000';
const line = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;

/** A server that answers git's first question in its own way; the URL of a repository there. */
async function serverThat(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    response.on('error', () => {});
    answer(response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/updates`;
}

function forever(response: ServerResponse, chunk: (at: number) => string): void {
  let at = 0;
  const more = (): void => {
    while (!response.destroyed && response.write(chunk(at++)));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

describe('a server that', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['never answers', () => {}],
    ['stops in the middle of a line', (response) => void response.write(`${GREETING}00ff`)],
    [
      'sends a byte a second',
      (response) => {
        const timer = setInterval(() => response.write('0'), 1000);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('%s is given up at the time limit, and its name is told', async (_, answer) => {
    const { mirror } = await scene();
    const url = await serverThat(answer);
    await expect(syncMirror(mirror, { url, branch: 'main', timeoutMs: 3000 })).rejects.toThrow(
      refusal(
        'unreachable',
        /cannot reach the repository http:\/\/127\.0\.0\.1:\d+\/updates: stopped after its time limit/,
      ),
    );
  });

  it.each<[string, (at: number) => string]>([
    ['branches', (at) => line(`${'a'.repeat(40)} refs/heads/${String(at).padStart(60_000, 'x')}\n`)],
    ['garbage', () => 'x'.repeat(65_536)],
  ])('sends %s without end is given up', async (_, chunk) => {
    const { mirror } = await scene();
    const url = await serverThat((response) => {
      response.write(GREETING);
      forever(response, chunk);
    });
    await expect(syncMirror(mirror, { url, branch: 'main', timeoutMs: 60_000 })).rejects.toThrow(
      refusal('unreachable'),
    );
  });

  it('leads elsewhere is not followed to another kind of place', async () => {
    const { mirror, remote } = await scene();
    const server = createServer((_, response) => response.writeHead(302, { location: remote.url }).end());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/updates`;
    await expect(syncMirror(mirror, { url, branch: 'main' })).rejects.toThrow(refusal('unreachable'));
  });
});
