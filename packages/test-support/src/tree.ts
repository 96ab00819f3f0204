import fs from 'node:fs';
import path from 'node:path';

/** One entry of a tree literal: a file's content, a directory, or something with more to it. */
export type TreeNode = string | Uint8Array | { [name: string]: TreeNode } | FileSpec | LinkSpec | HardlinkSpec;

export class FileSpec {
  readonly content: string | Uint8Array;
  readonly mode: number;
  constructor(content: string | Uint8Array, mode: number) {
    this.content = content;
    this.mode = mode;
  }
}

export class LinkSpec {
  readonly target: string;
  constructor(target: string) {
    this.target = target;
  }
}

export class HardlinkSpec {
  readonly to: string;
  constructor(to: string) {
    this.to = to;
  }
}

/** A file with a mode. */
export const file = (content: string | Uint8Array, mode = 0o644): FileSpec => new FileSpec(content, mode);
/** A symlink, its target as written. */
export const link = (target: string): LinkSpec => new LinkSpec(target);
/** A hardlink to a path given from the root of the tree; made after everything else. */
export const hardlink = (to: string): HardlinkSpec => new HardlinkSpec(to);

/** Makes a tree for real below `root`, which may exist. Plain text is a file of mode 0644, an object a directory of mode 0755. */
export function makeTree(root: string, tree: { [name: string]: TreeNode }): void {
  const later: (() => void)[] = [];
  make(root, tree, root, later);
  for (const act of later) act();
}

function make(at: string, node: TreeNode, root: string, later: (() => void)[]): void {
  if (typeof node === 'string' || node instanceof Uint8Array) return writeFile(at, node, 0o644);
  if (node instanceof FileSpec) return writeFile(at, node.content, node.mode);
  if (node instanceof LinkSpec) return fs.symlinkSync(node.target, at);
  if (node instanceof HardlinkSpec) {
    later.push(() => fs.linkSync(path.join(root, node.to), at));
    return;
  }
  fs.mkdirSync(at, { recursive: true });
  for (const [name, child] of Object.entries(node)) make(path.join(at, name), child, root, later);
}

function writeFile(at: string, content: string | Uint8Array, mode: number): void {
  fs.writeFileSync(at, content);
  fs.chmodSync(at, mode);
}

/**
 * Everything that can be seen of a tree, one line an entry: path, type, mode, owner, group, mtime in ns, link count of
 * files, and content or link target. Two trees are the same exactly when their descriptions are equal.
 */
export function describeTree(root: string, options: { times?: boolean; owners?: boolean } = {}): string[] {
  const lines: string[] = [];
  const visit = (bytes: Buffer, shown: string): void => {
    const stat = fs.lstatSync(bytes, { bigint: true });
    const kind = stat.isSymbolicLink()
      ? 'link'
      : stat.isDirectory()
        ? 'dir'
        : stat.isFile()
          ? 'file'
          : stat.isFIFO()
            ? 'fifo'
            : 'other';
    const facts = [
      kind,
      (stat.mode & 0o7777n).toString(8),
      options.owners === false ? '' : `${stat.uid}:${stat.gid}`,
      options.times === false ? '' : String(stat.mtimeNs),
      kind === 'file' ? `nlink=${stat.nlink}` : '',
      kind === 'file' ? fs.readFileSync(bytes).toString('base64') : kind === 'link' ? fs.readlinkSync(bytes) : '',
    ];
    lines.push(`${shown} ${facts.filter(Boolean).join(' ')}`);
    if (kind !== 'dir') return;
    const names = fs.readdirSync(bytes, { encoding: 'buffer' }).sort(Buffer.compare);
    for (const name of names)
      visit(Buffer.concat([bytes, Buffer.from('/'), name]), `${shown}/${name.toString('latin1')}`);
  };
  visit(Buffer.from(root), '.');
  return lines;
}
