import { showPath, type RawPath } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import { hashOf } from './object-stream.ts';
import type { ObjectFormat } from './mirror.ts';

export type TreeMode = '100644' | '100755' | '120000' | '040000' | '160000';

/** One line of a tree object. */
export interface TreeLine {
  name: RawPath;
  mode: TreeMode;
  id: string;
}

/** As they stand in a tree object: git writes a directory's mode without the leading zero. */
const modes: Readonly<Record<string, TreeMode>> = {
  '100644': '100644',
  '100755': '100755',
  '120000': '120000',
  '40000': '040000',
  '160000': '160000',
};

/** Reads a tree object's content (git's own format: `<mode> <name>\0<id>` repeated). Throws 'unsafe-entry' for what git itself would never write. */
export function parseTree(content: Buffer, format: ObjectFormat): TreeLine[] {
  const idBytes = format === 'sha1' ? 20 : 32;
  const lines: TreeLine[] = [];
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const nul = content.indexOf(0, space);
    const mode = space < 0 ? undefined : modes[content.toString('latin1', at, space)];
    if (mode === undefined || nul < 0 || nul + 1 + idBytes > content.length) throw malformed(content, at, nul);
    lines.push({
      name: content.toString('latin1', space + 1, nul) as RawPath,
      mode,
      id: content.toString('hex', nul + 1, nul + 1 + idBytes),
    });
    at = nul + 1 + idBytes;
  }
  return lines;
}

function malformed(content: Buffer, at: number, nul: number): VersionControlError {
  const shown = showPath(content.toString('latin1', at, nul < at ? at + 40 : Math.min(nul, at + 300)));
  return new VersionControlError('unsafe-entry', `refused a tree: its entry "${shown}" is malformed`);
}

/** The id of the tree that has these lines. They are sorted as git sorts: a directory as if its name ended in a slash. */
export function hashTree(lines: readonly TreeLine[], format: ObjectFormat): string {
  const sorted = [...lines].sort((first, second) => Buffer.compare(sortKey(first), sortKey(second)));
  const content = Buffer.concat(
    sorted.flatMap(({ name, mode, id }) => [
      Buffer.from(`${mode.replace(/^0/, '')} ${name}\0`, 'latin1'),
      Buffer.from(id, 'hex'),
    ]),
  );
  return hashOf(format, 'tree', content.length).update(content).digest('hex');
}

function sortKey({ name, mode }: TreeLine): Buffer {
  return Buffer.from(mode === '040000' ? `${name}/` : name, 'latin1');
}
