import { fileURLToPath, pathToFileURL } from 'node:url';
import { showPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';

/** A repository that may be read from, in the form in which git gets it. */
export interface RepositoryUrl {
  readonly scheme: 'https' | 'http' | 'ssh' | 'file';
  /** Normalised, so that git reads what was checked; without credentials, which must not stand in a command line. */
  readonly url: string;
  /** For people: what was given, without credentials. */
  readonly shown: string;
  /** Where a `file` repository is. */
  readonly path?: string;
  /** `user:password` of an http(s) URL. */
  readonly credentials?: string;
}

export interface RepositoryUrlOptions {
  /** Allows `http://` to any host. Only for those who require signatures. */
  plainHttp?: boolean;
}

const host = /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/;
const user = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
/** `https:example.org` is a typing error, not a host named https. */
const schemeAlone = /^(https?|file|ssh|git)$/i;
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Accepts https, ssh (also `user@host:path`), file (also a plain absolute path), and http to this machine. Everything else
 * is refused: `ext::` and `fd::` run commands, `git://` has no protection at all, a leading `-` is an option. Throws 'bad-url'.
 */
export function checkRepositoryUrl(url: string, options: RepositoryUrlOptions = {}): RepositoryUrl {
  if (url === '' || url.length > 2000) throw refused(url, 'it is empty or too long');
  if (/[\x00-\x20\x7f-\x9f]/.test(url) && !url.startsWith('/'))
    throw refused(url, 'it has a blank or a control character');
  if (/[\x00-\x1f\x7f]/.test(url)) throw refused(url, 'it has a control character');
  if (url.startsWith('/')) return fileUrl(url, url);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'https' || scheme === 'http') return httpUrl(url, options);
  if (scheme === 'ssh') return sshUrl(url);
  if (scheme === 'file') return fileUrl(pathOfFileUrl(url), url);
  if (scheme !== undefined || url.includes('::')) throw refused(url, 'git may be reached by https, ssh and file only');
  return scpLike(url);
}

/** The URL for logs and messages: no credentials, no query, no control characters. Takes anything, also what is refused. */
export function showUrl(url: string): string {
  return showPath(
    url
      .replace(/^((?!ssh:)[a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1***@')
      .replace(/^((?:ssh:\/\/)?[^/:@]*):[^/]*@/i, '$1:***@')
      .replace(/\?.*$/s, '?***'),
  );
}

function httpUrl(given: string, options: RepositoryUrlOptions): RepositoryUrl {
  const parsed = URL.parse(given);
  if (parsed === null || !host.test(parsed.hostname)) throw refused(given, 'it names no host');
  const scheme = parsed.protocol === 'https:' ? 'https' : 'http';
  if (scheme === 'http' && !options.plainHttp && !loopback.test(parsed.hostname)) {
    throw refused(given, 'http:// can be altered on its way', 'use https://');
  }
  const credentials =
    parsed.username === '' && parsed.password === ''
      ? undefined
      : decoded(given, `${parsed.username}:${parsed.password}`);
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  return { scheme, url: parsed.href, shown: showUrl(given), ...(credentials === undefined ? {} : { credentials }) };
}

function sshUrl(given: string): RepositoryUrl {
  const [, account, name = '', port, path = ''] =
    /^ssh:\/\/(?:([^@/]*)@)?([^/@]*?)(?::(\d{1,5}))?(\/.*)$/i.exec(given) ?? [];
  if (account !== undefined) checkAccount(given, account);
  if (!host.test(name)) throw refused(given, 'it names no host');
  checkRemotePath(given, path.slice(1));
  const authority = `${account === undefined ? '' : `${account}@`}${name}${port === undefined ? '' : `:${port}`}`;
  return { scheme: 'ssh', url: `ssh://${authority}${path}`, shown: showUrl(given) };
}

function scpLike(given: string): RepositoryUrl {
  const [, account, name = '', path = ''] = /^(?:([^@:/]*)@)?([^@:/[\]]+|\[[^\]/@]*\]):(.+)$/.exec(given) ?? [];
  if (account !== undefined) checkAccount(given, account);
  if (!host.test(name) || schemeAlone.test(name))
    throw refused(
      given,
      'it is no URL and no absolute path',
      'write https://..., ssh://..., user@host:path or an absolute path',
    );
  checkRemotePath(given, path);
  if (/^[^/]*@/.test(path))
    throw refused(given, 'it is no URL and no absolute path', 'begin it with https:// or ssh://');
  return { scheme: 'ssh', url: given, shown: showUrl(given) };
}

function checkAccount(given: string, account: string): void {
  if (account.includes(':')) throw refused(given, 'ssh takes no password from a URL', 'use a key');
  if (!user.test(account)) throw refused(given, 'it has an odd user name');
}

function checkRemotePath(given: string, path: string): void {
  if (path === '' || path.startsWith('-')) throw refused(given, 'it names no path');
}

function pathOfFileUrl(given: string): string {
  const parsed = URL.parse(given);
  if (parsed === null || parsed.hostname !== '')
    throw refused(given, 'a file URL names an absolute path: file:///path');
  return decoded(given, given.replace(/^file:\/\/(localhost)?/i, ''));
}

function fileUrl(path: string, given: string): RepositoryUrl {
  if (!path.startsWith('/') || /[\x00-\x1f\x7f]/.test(path))
    throw refused(given, 'a file URL names an absolute path: file:///path');
  const url = pathToFileURL(path).href;
  return { scheme: 'file', url, shown: showUrl(given), path: fileURLToPath(url) };
}

function decoded(given: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused(given, 'it has a broken % escape');
  }
}

function refused(url: string, why: string, hint?: string): VersionControlError {
  return new VersionControlError(
    'bad-url',
    `refused the repository ${showUrl(url)}: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
