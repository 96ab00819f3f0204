import fs from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DownloadedList {
  text: string;
  /** What the server calls this state of the list, for asking whether it is still the present one. */
  etag: string | null;
  lastModified: string | null;
}

export interface DownloadLimits {
  /** For one attempt, to its last byte. */
  timeMs: number;
  sizeBytes: number;
  /** Before the second attempt, the third, ... */
  pausesMs: readonly number[];
}

const usualLimits: DownloadLimits = { timeMs: 30_000, sizeBytes: 32 * 1024 * 1024, pausesMs: [250, 1000] };

/** An answer that would be the same a second later. */
class FinalAnswer extends Error {}

/**
 * Fetches a list from its URL (https, http, file); returns `known` itself when the server says that it has not changed.
 * Throws when there is no list to be had within the limits, or on `signal`.
 */
export async function download(
  source: string,
  known: DownloadedList | undefined,
  signal: AbortSignal,
  limits: DownloadLimits = usualLimits,
): Promise<DownloadedList> {
  const url = new URL(source);
  if (url.protocol === 'file:') return readListFile(url, limits);
  for (const pauseMs of limits.pausesMs) {
    try {
      return await fetchOnce(url, known, signal, limits);
    } catch (error) {
      if (error instanceof FinalAnswer) throw error;
    }
    await sleep(pauseMs, undefined, { signal });
  }
  return fetchOnce(url, known, signal, limits);
}

async function readListFile(url: URL, limits: DownloadLimits): Promise<DownloadedList> {
  const stat = await fs.stat(url);
  if (!stat.isFile()) throw new Error('it is not a file');
  if (stat.size > limits.sizeBytes) throw tooLarge(limits);
  return { text: new TextDecoder().decode(await fs.readFile(url)), etag: null, lastModified: null };
}

/** fetch() itself follows redirects to https and http only. */
async function fetchOnce(
  url: URL,
  known: DownloadedList | undefined,
  signal: AbortSignal,
  limits: DownloadLimits,
): Promise<DownloadedList> {
  const response = await fetch(url, {
    headers: {
      ...(known?.etag ? { 'if-none-match': known.etag } : {}),
      ...(known?.lastModified ? { 'if-modified-since': known.lastModified } : {}),
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.timeMs)]),
  });
  if (response.status === 200) {
    const { headers } = response;
    return {
      text: await readText(response, limits),
      etag: headers.get('etag'),
      lastModified: headers.get('last-modified'),
    };
  }
  await response.body?.cancel();
  if (response.status === 304 && known !== undefined) return known;
  const why = `the server answered ${response.status}`;
  throw response.status >= 500 || response.status === 429 ? new Error(why) : new FinalAnswer(why);
}

async function readText(response: Response, limits: DownloadLimits): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limits.sizeBytes) throw tooLarge(limits); // Leaving the loop closes the connection.
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function tooLarge({ sizeBytes }: DownloadLimits): FinalAnswer {
  return new FinalAnswer(`it is larger than ${sizeBytes} bytes`);
}
