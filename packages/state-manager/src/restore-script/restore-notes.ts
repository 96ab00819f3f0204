import { pathFromJson, toRawPath, type RawPath } from '@homeserver/system';
import type { CapturedEntry, CapturedInode } from '../files/file-record.ts';
import { readRecord } from '../services/service-record.ts';
import type { Captured } from '../sources.ts';
import { notesForDatabases } from './database-notes.ts';
import type { RestoreNote } from './restore-list.ts';
import { notesForServices } from './service-notes.ts';
import { shellWords } from '../shell-words.ts';

const CAPABILITY = 'security.capability';

/** Collects, while the entries of a record go by, what restore.sh cannot put back, and what a person can type for it. */
export class RestoreNotes {
  #dressed = 0;
  readonly #capabilities: RestoreNote[] = [];
  /** Names that files had outside the record, by the first name in it. */
  readonly #outside = new Map<RawPath, number>();

  add(path: RawPath, entry: CapturedEntry): void {
    if ('xattrs' in entry) {
      this.#dressed += 1;
      this.#capabilities.push(...capabilityOf(path, entry));
    }
    if ('links' in entry && entry.links !== undefined) this.#outside.set(path, entry.links - 1);
    if (entry.type !== 'hardlink') return;
    const first = pathFromJson(entry.same_as);
    this.#outside.set(first, (this.#outside.get(first) ?? 1) - 1);
  }

  /** `directory`: of the backup, where the other records are. */
  all({ files, services, databases = [] }: Captured, directory: string): RestoreNote[] {
    return [
      ...(files === undefined ? [] : this.#forFiles()),
      ...notesForDatabases(databases),
      ...(services === undefined ? [] : notesForServices(readRecord(services, directory))),
    ];
  }

  #forFiles(): RestoreNote[] {
    const outside = [...this.#outside.values()].filter((names) => names > 0).length;
    return [
      note('Stop what uses these files first, and start it again afterwards. What this script cannot promise:'),
      note('- times below a second, and the times of links'),
      ...(this.#dressed > 0
        ? [
            note(
              `- extended attributes and ACLs of ${this.#dressed}: the cp of GNU brings them back, that of busybox does not`,
            ),
          ]
        : []),
      ...this.#capabilities,
      ...(outside > 0
        ? [note(`- names outside that ${outside} of the files had: they stay connected with what was there`)]
        : []),
    ];
  }
}

/** No copy in a backup carries capabilities. */
function capabilityOf(path: RawPath, { xattrs }: CapturedInode): RestoreNote[] {
  const value = xattrs?.[CAPABILITY];
  if (value === undefined) return [];
  return [
    note('- a capability; afterwards, type:'),
    { kind: 'type', text: `setfattr -n ${CAPABILITY} -v 0s${value} -- ${shellWords(path)}` },
  ];
}

function note(text: string): RestoreNote {
  return { kind: 'note', text: toRawPath(text) };
}
