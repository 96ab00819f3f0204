import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeFifo } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { download, type DownloadedList, type DownloadLimits } from '../src/download.ts';
import { startListServer, status } from './list-server.ts';

const limits: DownloadLimits = { timeMs: 5000, sizeBytes: 1000, pausesMs: [1, 1] };
const never = new AbortController().signal;
const get = (
  source: string,
  options: Partial<DownloadLimits> & { known?: DownloadedList; signal?: AbortSignal } = {},
) => download(source, options.known, options.signal ?? never, { ...limits, ...options });

describe('download over http', () => {
  it('returns the list, and the very same again when it has not changed', async () => {
    const server = await startListServer({ '/list': 'ads.example\n' });
    const list = await get(server.url('/list'));
    expect(list).toEqual({
      text: 'ads.example\n',
      etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
      lastModified: null,
    });
    expect(await get(server.url('/list'), { known: list })).toBe(list);
    server.pages['/list'] = 'other.example\n';
    expect(await get(server.url('/list'), { known: list })).toMatchObject({ text: 'other.example\n' });
    expect(server.answered).toEqual(['200 /list', '304 /list', '200 /list']);
  });

  it('asks by date where the server gives no ETag', async () => {
    const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
    const server = await startListServer({
      '/list': (request, response) => {
        const known = request.headers['if-modified-since'] === date;
        response.writeHead(known ? 304 : 200, { 'last-modified': date }).end(known ? '' : 'ads.example\n');
      },
    });
    const list = await get(server.url('/list'));
    expect(list.lastModified).toBe(date);
    expect(await get(server.url('/list'), { known: list })).toBe(list);
  });

  it('tries twice more when the server is in trouble, or the connection breaks', async () => {
    let asked = 0;
    const server = await startListServer({
      '/list': (request, response) => {
        asked += 1;
        if (asked === 1) status(503)(request, response);
        else if (asked === 2)
          response.writeHead(200, { 'content-length': 100 }).write('ads.exa', () => response.destroy());
        else response.end('ads.example\n');
      },
      '/down': status(500),
    });
    expect(await get(server.url('/list'))).toMatchObject({ text: 'ads.example\n' });
    await expect(get(server.url('/down'))).rejects.toThrow('the server answered 500');
    expect(server.answered.filter((line) => line.endsWith('/down'))).toHaveLength(3);
  });

  it('does not ask again for what is not there', async () => {
    const server = await startListServer({ '/unasked': status(304) });
    await expect(get(server.url('/gone'))).rejects.toThrow('the server answered 404');
    await expect(get(server.url('/unasked'))).rejects.toThrow('the server answered 304');
    expect(server.answered).toHaveLength(2);
  });

  it('follows a redirect to http, but not to a file, and not for ever', async () => {
    const secret = path.join(temporaryDirectory(), 'secret');
    fs.writeFileSync(secret, 'secret.example\n');
    const server = await startListServer({
      '/old': status(301, { location: '/list' }),
      '/list': 'ads.example\n',
      '/file': status(302, { location: pathToFileURL(secret).href }),
      '/loop': status(302, { location: '/loop' }),
    });
    expect(await get(server.url('/old'))).toMatchObject({ text: 'ads.example\n' });
    await expect(get(server.url('/file'))).rejects.toThrow('fetch failed');
    await expect(get(server.url('/loop'))).rejects.toThrow('fetch failed');
  });

  it('stops at the size limit, also when a small answer unpacks to a large one', async () => {
    const server = await startListServer({
      '/large': 'x'.repeat(1001),
      '/fits': 'x'.repeat(1000),
      '/bomb': (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1_000_000)));
      },
    });
    await expect(get(server.url('/large'))).rejects.toThrow('it is larger than 1000 bytes');
    await expect(get(server.url('/bomb'))).rejects.toThrow('it is larger than 1000 bytes');
    expect(await get(server.url('/fits'))).toMatchObject({ text: 'x'.repeat(1000) });
    expect(server.answered).toHaveLength(3);
  });

  it('waits for a silent server and for a dripping one only as long as the limit says', async () => {
    const server = await startListServer({
      '/silent': () => {},
      '/dripping': (_request, response) => {
        const drip = setInterval(() => response.write('x'), 10);
        response.on('close', () => clearInterval(drip));
      },
    });
    await expect(get(server.url('/silent'), { timeMs: 100 })).rejects.toThrow('timeout');
    await expect(get(server.url('/dripping'), { timeMs: 100, sizeBytes: 1e9 })).rejects.toThrow('timeout');
  });

  it('stops at once when the run ends, also between two attempts', async () => {
    const server = await startListServer({ '/silent': () => {}, '/down': status(500) });
    for (const page of ['/silent', '/down']) {
      const signal = AbortSignal.timeout(100);
      await expect(get(server.url(page), { signal, pausesMs: [60_000] })).rejects.toThrow();
      expect(signal.aborted).toBe(true);
    }
  });
});

describe('download of a file', () => {
  it('reads it, without its byte order mark', async () => {
    const file = path.join(temporaryDirectory(), 'my list.txt');
    fs.writeFileSync(file, '\ufeffads.example\n');
    expect(await get(pathToFileURL(file).href)).toEqual({ text: 'ads.example\n', etag: null, lastModified: null });
  });

  it('refuses what is missing, too large, or would block', async () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'large'), 'x'.repeat(1001));
    makeFifo(path.join(directory, 'fifo'), 0o600);
    await expect(get(`file://${directory}/missing`)).rejects.toThrow('ENOENT');
    await expect(get(`file://${directory}/large`)).rejects.toThrow('it is larger than 1000 bytes');
    await expect(get(`file://${directory}/fifo`)).rejects.toThrow('it is not a file');
    await expect(get(`file://${directory}`)).rejects.toThrow('it is not a file');
  });
});
