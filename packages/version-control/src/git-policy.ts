import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { childEnvironment } from '@homeserver/system';
import type { RepositoryUrl } from './repository-url.ts';

/*
 * How git is called, all of it: nothing of the user's or the system's settings, no program that a repository names, every
 * object checked on arrival, everything on the disk before git says so.
 */

/** Given with `-c` to every call; stands above what a repository's own config says. */
export const policyConfig: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=false',
  'core.attributesFile=/dev/null',
  'filter.lfs.smudge=',
  'filter.lfs.process=',
  'credential.helper=',
  'submodule.recurse=false',
  'protocol.ext.allow=never',
  'transfer.fsckObjects=true',
  'transfer.bundleURI=false',
  'fetch.unpackLimit=1', // One pack a fetch: two files to sync, and git checks a pack's trailer whenever it opens one.
  'gc.auto=0',
  'core.fsync=all',
  'http.lowSpeedLimit=1000', // Bytes a second,
  'http.lowSpeedTime=60', // for so many seconds: a connection that trickles is given up.
];

/** Opens one remote to git, and nothing else. */
export interface RemoteAccess {
  readonly scheme: RepositoryUrl['scheme'];
  /** What must not stand in a command line, as settings in the environment. */
  readonly settings: readonly (readonly [key: string, value: string])[];
  /** A config file in place of the user's, when a local repository of somebody else needs one. */
  readonly globalConfig?: string;
}

/** Opens files of this machine to git: a bundle. */
export const gitAccessToFiles: RemoteAccess = { scheme: 'file', settings: [] };

/** The whole environment of a git call. Without `access`, git reaches no repository but the one that it is given. */
export function gitEnvironment(access?: RemoteAccess): Record<string, string> {
  const environment: Record<string, string> = {
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: access?.globalConfig ?? '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: access?.scheme ?? 'none',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=4',
    GIT_NO_REPLACE_OBJECTS: '1', // refs/replace and grafts would show another history than the one that was signed.
    GIT_GRAFT_FILE: '/dev/null',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
  };
  if (access !== undefined && access.settings.length > 0) {
    environment['GIT_CONFIG_COUNT'] = String(access.settings.length);
    for (const [index, [key, value]] of access.settings.entries()) {
      environment[`GIT_CONFIG_KEY_${index}`] = key;
      environment[`GIT_CONFIG_VALUE_${index}`] = value;
    }
  }
  return childEnvironment({ HOME: process.env['HOME'] ?? os.userInfo().homedir, ...environment });
}

/**
 * What git needs to reach this remote. A password goes in as a header for that server alone: in the URL, each process list
 * would show it. `scratch` is a file of ours that may be written when a local repository belongs to somebody else.
 */
export function remoteAccess(remote: RepositoryUrl, scratch: string): RemoteAccess {
  const { scheme, url, path: repository, credentials } = remote;
  const settings: [string, string][] = [];
  if (credentials !== undefined) {
    settings.push([
      `http.${new URL(url).origin}/.extraHeader`,
      `Authorization: Basic ${Buffer.from(credentials).toString('base64')}`,
    ]);
  }
  if (repository === undefined || isOurs(repository)) return { scheme, settings };
  fs.writeFileSync(scratch, safeDirectories(repository), { mode: 0o600 });
  return { scheme, settings, globalConfig: scratch };
}

/** Where git would look for a repository at this path. */
function gitDirectories(repository: string): string[] {
  return [repository, `${repository}/.git`, `${repository}.git`, `${repository}.git/.git`];
}

function isOurs(repository: string): boolean {
  return gitDirectories(repository).every((directory) => {
    const stat = fs.statSync(directory, { throwIfNoEntry: false });
    return stat === undefined || stat.uid === process.geteuid?.();
  });
}

/*
 * Git refuses to serve a repository of another user, whose config could name programs. upload-pack runs none, and the owner
 * of this server named this path: it alone is excepted. It has to be a file: upload-pack does not see `-c`.
 */
function safeDirectories(repository: string): string {
  const names = new Set(gitDirectories(path.normalize(repository).replace(/(.)\/+$/, '$1')));
  // Git 2.39 compares the path as it was given, newer ones the real path.
  for (const name of names) if (fs.existsSync(name)) names.add(fs.realpathSync(name));
  const quoted = [...names].map((name) => `\tdirectory = "${name.replaceAll(/["\\]/g, String.raw`\$&`)}"\n`);
  return `[safe]\n${quoted.join('')}`;
}
