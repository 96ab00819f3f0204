import { pathToJson, type EntryStat, type RawPath } from '@homeserver/system';
import type { AccountNames } from './account-names.ts';
import type { AttributeRecord } from './attributes.ts';
import type { CapturedEntry, CapturedFile } from './file-record.ts';

/*
 * The line of an entry in a manifest, as it lies on the disk: one character for each byte of its UTF-8. What a look at a live
 * file tells comes first, so that a later capture knows an untouched file by comparing text, and parses nothing.
 */

const FILE_START = '{"type":"file","path":"';
const SUM_BYTES = 64 + '"}'.length;

export function lineOf(entry: CapturedEntry): string {
  return asBytes(JSON.stringify(entry));
}

/** Makes the beginning of a file's line: all that tells whether it was touched. Nothing else begins so. */
export class FileLineStart {
  readonly #names: AccountNames;
  #last: { uid: number; gid: number; text: string } = { uid: -1, gid: -1, text: '' };

  constructor(names: AccountNames) {
    this.#names = names;
  }

  of(path: RawPath, stat: EntryStat): string {
    return (
      `{"type":"file","path":${pathAsJsonText(path)},"mode":${stat.mode},${this.#owner(stat.uid, stat.gid)}` +
      `"mtime_ns":"${stat.mtimeNs}","size":${stat.size},"ctime_ns":"${stat.ctimeNs}","ino":"${stat.ino}",` +
      `${stat.links > 1 ? `"links":${stat.links},` : ''}"sha256":"`
    );
  }

  /** Neighbours mostly have one owner. */
  #owner(uid: number, gid: number): string {
    if (uid === this.#last.uid && gid === this.#last.gid) return this.#last.text;
    const [user, group] = [this.#names.user(uid), this.#names.group(gid)];
    const userText = user === undefined ? '' : `"user":${asBytes(JSON.stringify(user))},`;
    const groupText = group === undefined ? '' : `"group":${asBytes(JSON.stringify(group))},`;
    this.#last = { uid, gid, text: `"uid":${uid},"gid":${gid},${userText}${groupText}` };
    return this.#last.text;
  }
}

export function endOfFileLine(
  { sha256, sparse }: Pick<CapturedFile, 'sha256' | 'sparse'>,
  xattrs: AttributeRecord | undefined,
): string {
  return `${sha256}"${sparse ? ',"sparse":true' : ''}${xattrs === undefined ? '' : `,"xattrs":${asBytes(JSON.stringify(xattrs))}`}}`;
}

function pathAsJsonText(path: RawPath): string {
  return /^[ !#-[\]-~]*$/.test(path) ? `"${path}"` : asBytes(JSON.stringify(pathToJson(path)));
}

function asBytes(text: string): string {
  return /^[ -~]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}

/**
 * The path and the SHA-256 of a file that has nothing remarkable, straight from its line: no other name, no attributes, no
 * holes, no setuid or setgid, and a path that needs no escapes in JSON. undefined for any other entry.
 */
export function plainFileOfLine(line: string): { path: RawPath; sha256: string } | undefined {
  if (!line.startsWith(FILE_START) || line.includes('\\')) return undefined;
  const pathEnd = line.indexOf('"', FILE_START.length);
  const mode = Number.parseInt(line.slice(pathEnd + '","mode":'.length, pathEnd + '","mode":'.length + 4), 10);
  const sumStart = line.length - SUM_BYTES;
  const isPlain = (mode & 0o6000) === 0 && line.startsWith('","sha256":"', sumStart - '","sha256":"'.length);
  if (!isPlain) return undefined;
  return { path: line.slice(FILE_START.length, pathEnd) as RawPath, sha256: line.slice(sumStart, sumStart + 64) };
}

export function entryOfLine(line: string): CapturedEntry {
  return JSON.parse(textOfLine(line)) as CapturedEntry;
}

/** Most lines are ASCII: then each byte is the character that it stands for. */
export function textOfLine(line: string): string {
  return /[\x80-\xff]/.test(line) ? Buffer.from(line, 'latin1').toString() : line;
}
