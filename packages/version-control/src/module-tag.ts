import { parseVersion } from './compare-versions.ts';

/** What a module's release tag says: `<module>-v<version>-<timestamp>`. */
export interface ModuleTag {
  tag: string;
  /** Strict semver. */
  version: string;
  /** YYYYMMDD or YYYYMMDDHHMM, as the maintainer wrote it. */
  timestamp: string;
}

const TIMESTAMP = /^(.+)-(\d{8}(?:\d{4})?)$/;

/**
 * Reads a tag of the module `name`; undefined when it is none. Names and pre-releases may contain hyphens: what is left
 * after the module's name in front and the timestamp behind must be a version.
 */
export function parseModuleTag(tag: string, name: string): ModuleTag | undefined {
  const prefix = `${name}-v`;
  const [, version = '', timestamp = ''] = TIMESTAMP.exec(tag.startsWith(prefix) ? tag.slice(prefix.length) : '') ?? [];
  if (parseVersion(version) === undefined || !isTimestamp(timestamp)) return undefined;
  return { tag, version, timestamp };
}

/** The tag of a release at `when` (UTC, to the minute). */
export function formatModuleTag(name: string, version: string, when: Date): string {
  return `${name}-v${version}-${when.toISOString().slice(0, 16).replaceAll(/[-:T]/g, '')}`;
}

/** Newest first: by version, then by time. Not by text: 1.10.0 is above 1.9.0, a day without a time is its midnight. */
export function compareTimestamps(first: string, second: string): number {
  return first.padEnd(12, '0').localeCompare(second.padEnd(12, '0'), 'en');
}

function isTimestamp(text: string): boolean {
  const [, year, month, day, hour = '00', minute = '00'] = /^(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?$/.exec(text) ?? [];
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day);
}
