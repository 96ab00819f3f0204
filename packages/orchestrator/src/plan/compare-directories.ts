import fs from 'node:fs';
import path from 'node:path';
import { diffContents } from '@homeserver/hotfix-pools';

/** What a replacement does to one file of a module. */
export interface FileChange {
  /** From the module's directory. */
  path: string;
  change: 'added' | 'removed' | 'changed';
  /** Unified diff of a text; of anything else, one line with both sizes. Absent when only the mode differs. */
  diff?: string;
  /** `644 -> 755`, when that differs. */
  mode?: string;
}

/** Every file and symlink that differs between two directories, by path; `before` undefined stands for an empty one. */
export function compareDirectories(before: string | undefined, after: string): FileChange[] {
  const [old, now] = [before === undefined ? [] : filesIn(before), filesIn(after)];
  const paths = [...new Set([...old, ...now])].sort();
  return paths.flatMap((file) => {
    const [one, other] = [readEntry(before, file), readEntry(after, file)];
    if (one === undefined && other === undefined) return [];
    const diff = diffContents(file, one?.content, other?.content);
    const isModeChanged = one !== undefined && other !== undefined && one.mode !== other.mode;
    if (diff === undefined && !isModeChanged) return [];
    return {
      path: file,
      change: one === undefined ? 'added' : other === undefined ? 'removed' : 'changed',
      ...(diff === undefined ? {} : { diff }),
      ...(isModeChanged ? { mode: `${one.mode} -> ${other.mode}` } : {}),
    };
  });
}

function filesIn(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
}

/** A link's content is its target; what git does not keep of a mode does not count. */
function readEntry(directory: string | undefined, file: string): { content: Uint8Array; mode: string } | undefined {
  if (directory === undefined) return undefined;
  const place = path.join(directory, file);
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return { content: fs.readlinkSync(place, { encoding: 'buffer' }), mode: 'link' };
  if (!stat?.isFile()) return undefined;
  return { content: fs.readFileSync(place), mode: (stat.mode & 0o100) === 0 ? '644' : '755' };
}
