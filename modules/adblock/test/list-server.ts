import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A list, or whatever else a server may do. */
export type Page = string | http.RequestListener;

export interface ListServer {
  /** What it serves, by path. A list is served with an ETag; what is not here is answered with 404. */
  pages: Record<string, Page>;
  /** What it answered, "status path". */
  readonly answered: string[];
  url(page: string): string;
}

/** A real HTTP server on 127.0.0.1, stopped when the running test ends. */
export async function startListServer(pages: Record<string, Page>): Promise<ListServer> {
  const answered: string[] = [];
  const server = http.createServer((request, response) => {
    response.on('close', () => answered.push(`${response.statusCode} ${request.url}`));
    const page = served.pages[request.url ?? ''] ?? status(404);
    return typeof page === 'string' ? answerWithList(page, request, response) : page(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const served: ListServer = { pages, answered, url: (page) => `http://127.0.0.1:${port}${page}` };
  return served;
}

function answerWithList(list: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const etag = `"${createHash('sha256').update(list).digest('hex')}"`;
  response.setHeader('etag', etag);
  if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
  else response.end(list);
}

/** Answers with a status and no list. */
export function status(code: number, headers: http.OutgoingHttpHeaders = {}): http.RequestListener {
  return (_request, response) => void response.writeHead(code, headers).end('sorry\n');
}
