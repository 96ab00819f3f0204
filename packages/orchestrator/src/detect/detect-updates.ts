import { showPath } from '@homeserver/system';
import { compareVersions, parseVersion } from '@homeserver/version-control';
import type { Hold, ModuleRecords } from '../records/module-records.ts';
import { withheldUntil } from '../records/withheld.ts';
import type { InstalledModule } from '../store/installed-modules.ts';
import { parseStoreEntry, storeEntryName } from '../store/store-entry.ts';
import type { RepositoryContent, RepositoryModule } from './read-repository.ts';

/** A module that is to be replaced in this cycle. */
export interface ModuleUpdate {
  name: string;
  /** undefined for a first installation. */
  fromVersion: string | undefined;
  toVersion: string;
  treeId: string;
  /** The store entry it will become. */
  entry: string;
  /** The very version is installed, but this is wrong with it here: it is installed again. */
  damage?: string;
  unknownKeys: string[];
}

/** What was found out about a module that is not replaced, for people. */
export interface ModuleNotice {
  name: string;
  kind: 'problem' | 'refused' | 'older' | 'orphaned' | 'withheld' | 'held' | 'same-version';
  text: string;
}

export interface Detection {
  updates: ModuleUpdate[];
  notices: ModuleNotice[];
  /** Modules of the repository that are installed and current. */
  current: string[];
}

export interface DetectionInput {
  repository: RepositoryContent;
  installed: ReadonlyMap<string, InstalledModule>;
  records: ModuleRecords;
  /** Try versions again that failed here before. */
  retry: boolean;
  /** Modules that may go back to a lower version. */
  allowDowngrade: readonly string[];
  /** A major version may go up by as much, and no more. */
  maxMajorJump: number;
  /** Unix seconds. */
  now: number;
}

/** Compares the repository with the server. Pure: it changes nothing, and the same input gives the same answer. */
export function detectUpdates(input: DetectionInput): Detection {
  const { repository, installed } = input;
  const detection: Detection = { updates: [], notices: [], current: [] };
  for (const { name, problem } of repository.problems) detection.notices.push({ name, kind: 'problem', text: problem });
  for (const module of repository.modules.values()) detectOne(module, input, detection);

  const broken = new Set(repository.problems.map(({ name }) => name));
  for (const { name } of installed.values()) {
    if (repository.modules.has(name) || broken.has(name)) continue;
    detection.notices.push({
      name,
      kind: 'orphaned',
      text: `${name} is not in the repository any more; it is kept and still run`,
    });
  }
  return detection;
}

function detectOne(module: RepositoryModule, input: DetectionInput, detection: Detection): void {
  const { name, treeId, index } = module;
  const here = input.installed.get(name);
  const notice = (kind: ModuleNotice['kind'], text: string): void => {
    detection.notices.push({ name, kind, text });
  };
  const toVersion = index.schemaVersion;
  // Never taken for version 0: what is there may be newer than it can say.
  if (here?.version === undefined && here?.index.ok === false) return notice('problem', here.index.problem);
  const order = here?.version === undefined ? 1 : compareVersions(toVersion, here.version);
  const hold = holdOf(here, input.records);
  if (order !== 0 && hold !== undefined)
    return notice('held', `${name} is held at ${hold.version}; ${toVersion} waits for: updater unhold ${name}`);
  if (order < 0 && !input.allowDowngrade.includes(name))
    return notice(
      'older',
      `${name} is ${here?.version} here, and only ${toVersion} in the repository; it is kept (--allow-downgrade ${name})`,
    );
  if (order === 0) {
    detection.current.push(name);
    const tree = here?.entry === undefined ? undefined : parseStoreEntry(here.entry)?.tree;
    const damage = here === undefined ? undefined : damageOf(here);
    if (tree !== undefined && treeId.startsWith(tree) && damage !== undefined) {
      detection.updates.push({ ...updateOf(module, here), damage });
    } else if (tree !== undefined && !treeId.startsWith(tree)) {
      notice(
        'same-version',
        `${name} ${toVersion} has other content in the repository than here; only a higher schema_version replaces it`,
      );
    }
    return;
  }
  if (here?.elsewhere !== undefined) {
    const text = `${name} ${toVersion} is not installed: modules/${name} is somebody's own link to ${showPath(here.elsewhere)}`;
    return notice('withheld', `${text}; it is kept`);
  }
  const jump = here?.version === undefined ? 0 : majorOf(toVersion) - majorOf(here.version);
  if (jump > input.maxMajorJump) {
    const text = `${name} ${toVersion} is refused: ${here?.version} is here, and no module goes up ${jump} major versions at once`;
    return notice('refused', `${text} (trust.maxMajorJump is ${input.maxMajorJump})`);
  }
  const failure = (input.records[name]?.failed ?? []).find((one) => treeId.startsWith(one.tree));
  const until = failure === undefined || input.retry ? undefined : withheldUntil(failure, input.now);
  if (until !== undefined)
    return notice('withheld', `${name} ${toVersion} failed here (${failure?.error}); ${until}, or now with --retry`);
  detection.updates.push(updateOf(module, here));
}

/** What no owner wants: it cannot be run at all. Any other content is taken for the owner's own, until the next version. */
function damageOf({ index, hasEntry, directory }: InstalledModule): string | undefined {
  if (!index.ok) return index.problem;
  return hasEntry ? undefined : `${directory} has no entry`;
}

/** A hold counts for the version that was there when it was made. */
function holdOf(here: InstalledModule | undefined, records: ModuleRecords): Hold | undefined {
  const hold = here === undefined ? undefined : records[here.name]?.hold;
  return hold !== undefined && hold.entry === (here?.entry ?? null) ? hold : undefined;
}

function majorOf(version: string): number {
  return parseVersion(version)?.major ?? 0;
}

function updateOf({ name, treeId, index }: RepositoryModule, here: InstalledModule | undefined): ModuleUpdate {
  return {
    name,
    fromVersion: here?.version,
    toVersion: index.schemaVersion,
    treeId,
    entry: storeEntryName(name, index.schemaVersion, treeId),
    unknownKeys: index.unknownKeys,
  };
}
