import { parseVersion } from '@homeserver/version-control';

/** A versioned directory in `store/`: `<name>@<version>-<first 12 hex of the git tree id>`. */
export interface StoreEntry {
  name: string;
  version: string;
  tree: string;
}

const pattern = /^(?<name>[a-z0-9][a-z0-9_-]{0,63})@(?<version>.+)-(?<tree>[0-9a-f]{12})$/;

export function storeEntryName(name: string, version: string, treeId: string): string {
  return `${name}@${version}-${treeId.slice(0, 12)}`;
}

/** undefined for anything that is not the name of an entry. */
export function parseStoreEntry(entry: string): StoreEntry | undefined {
  const { name, version, tree } = pattern.exec(entry)?.groups ?? {};
  if (name === undefined || version === undefined || tree === undefined) return undefined;
  return parseVersion(version) === undefined ? undefined : { name, version, tree };
}

/** What a module's link says: `../store/<entry>`. */
export function linkTarget(entry: string): string {
  return `../store/${entry}`;
}

/** The entry that a link points at; undefined when it points anywhere else. */
export function entryOfLink(target: string): string | undefined {
  const entry = target.startsWith('../store/') ? target.slice('../store/'.length) : '';
  return parseStoreEntry(entry) === undefined ? undefined : entry;
}
