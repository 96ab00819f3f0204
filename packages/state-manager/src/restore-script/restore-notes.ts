import { pathFromJson, toRawPath } from '@homeserver/system';
import type { CapturedFiles, CapturedInode } from '../files/file-record.ts';
import type { Captured } from '../sources.ts';
import type { RestoreNote } from './restore-list.ts';

const CAPABILITY = 'security.capability';

/** What restore.sh cannot put back, and the command that a person can type for it where there is one. */
export function notesFor(captured: Captured): RestoreNote[] {
  return captured.files === undefined ? [] : notesForFiles(captured.files);
}

function notesForFiles({ entries }: CapturedFiles): RestoreNote[] {
  const inodes = entries.filter((entry): entry is CapturedInode => 'mode' in entry);
  const dressed = inodes.filter(({ xattrs }) => xattrs !== undefined);
  const outside = entries.filter((entry) => entry.type === 'file' && entry.outside_names !== undefined).length;
  return [
    note('Stop what uses these files first, and start it again afterwards. What this script cannot promise:'),
    note('- times below a second, and the times of links'),
    ...(dressed.length > 0
      ? [
          note(
            `- extended attributes and ACLs of ${dressed.length}: the cp of GNU brings them back, that of busybox does not`,
          ),
        ]
      : []),
    ...dressed.flatMap(capabilityOf),
    ...(outside > 0
      ? [note(`- names outside that ${outside} of the files had: they stay connected with what was there`)]
      : []),
  ];
}

/** No copy in a backup carries capabilities. */
function capabilityOf({ path, xattrs }: CapturedInode): RestoreNote[] {
  const value = xattrs?.[CAPABILITY];
  if (value === undefined) return [];
  const quoted = pathFromJson(path).replaceAll("'", String.raw`'\''`);
  return [
    note('- a capability; afterwards, type:'),
    { kind: 'type', text: `setfattr -n ${CAPABILITY} -v 0s${value} -- '${quoted}'` },
  ];
}

function note(text: string): RestoreNote {
  return { kind: 'note', text: toRawPath(text) };
}
