import { showPath } from '@homeserver/system';
import { compare, parse } from 'semver';
import { VersionControlError } from './errors.ts';

/** A strict semantic version (semver.org, 2.0.0). */
export interface Version {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly prerelease: readonly (string | number)[];
}

const MAX_LENGTH = 64;

/** The version that `text` is, exactly as written; undefined for `1.2`, `v1.2.0`, `01.2.3`, ` 1.2.0` and all else that is none. */
export function parseVersion(text: string): Version | undefined {
  const parsed = text.length <= MAX_LENGTH ? parse(text) : null;
  if (parsed === null) return undefined;
  const { major, minor, patch, prerelease, build, version } = parsed;
  const written = build.length === 0 ? version : `${version}+${build.join('.')}`; // semver trims, and accepts a leading v or =.
  return written === text ? { text, major, minor, patch, prerelease } : undefined;
}

/** Negative, 0 or positive, by semver precedence: a prerelease is lower than its release, build metadata do not count. Throws 'bad-version'. */
export function compareVersions(first: string, second: string): -1 | 0 | 1 {
  return compare(strict(first), strict(second));
}

/** Whether `candidate` is a higher version than `present`. Throws 'bad-version'. */
export function isNewer(candidate: string, present: string): boolean {
  return compareVersions(candidate, present) > 0;
}

function strict(text: string): string {
  const version = parseVersion(text);
  if (version !== undefined) return version.text;
  throw new VersionControlError('bad-version', `"${showPath(text)}" is not a strict semantic version`, {
    hint: 'write it as 1.2.3',
  });
}
