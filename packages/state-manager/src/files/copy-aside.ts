import fs from 'node:fs';
import { forFs, joinPath, makeFifo, runCommand, setTimes, showPath, type RawPath } from '@homeserver/system';
import { attributesOf } from './attributes.ts';
import { copyContent } from './copy-content.ts';
import { applyMetadata, applyPossession, inodeOf, metadataOf, type Stat } from './inode-metadata.ts';
import { hasHoles } from './sparse-content.ts';

/** Copies an entry with everything that it has and holds, hardlinks among its files too; `to` must not exist. */
export async function copyAside(from: RawPath, to: RawPath): Promise<void> {
  await copyEntry(from, to, new Map());
}

/** `copies`: of what has several names, by its inode. */
async function copyEntry(from: RawPath, to: RawPath, copies: Map<string, RawPath>): Promise<void> {
  const stat = fs.lstatSync(forFs(from), { bigint: true });
  if (stat.isDirectory()) return copyDirectory(from, to, stat, copies);
  const copy = stat.nlink > 1n ? copies.get(inodeOf(stat)) : undefined;
  if (copy !== undefined) return fs.linkSync(forFs(copy), forFs(to));
  if (stat.nlink > 1n) copies.set(inodeOf(stat), to);
  if (stat.isFile()) return copyFile(from, to);
  if (stat.isSymbolicLink() || stat.isFIFO()) return remake(from, to, stat);
  await copyByCommand(from, to);
}

async function copyDirectory(from: RawPath, to: RawPath, stat: Stat, copies: Map<string, RawPath>): Promise<void> {
  const xattrs = attributesOf(forFs(from));
  fs.mkdirSync(forFs(to), 0o700);
  for (const name of fs.readdirSync(forFs(from), 'latin1'))
    await copyEntry(joinPath(from, name), joinPath(to, name), copies);
  const metadata = { path: '/', ...metadataOf(stat), ...(xattrs === undefined ? {} : { xattrs }) };
  applyMetadata(forFs(to), { ...metadata, type: 'directory' });
}

function copyFile(from: RawPath, to: RawPath): void {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const source = fs.openSync(forFs(from), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fs.fstatSync(source, { bigint: true });
    const target = fs.openSync(forFs(to), 'wx', 0o600);
    try {
      const isSparse = hasHoles(source, { size: Number(stat.size), allocatedBytes: Number(stat.blocks) * 512 });
      copyContent(source, target, isSparse ? 'sparse' : 'plain');
      const xattrs = attributesOf(source);
      const wanted = { ...metadataOf(stat), ...(xattrs === undefined ? {} : { xattrs }) };
      applyPossession(target, wanted, fs.fstatSync(target, { bigint: true }));
      setTimes(target, stat.atimeNs, stat.mtimeNs);
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
}

function remake(from: RawPath, to: RawPath, stat: Stat): void {
  const xattrs = attributesOf(forFs(from));
  const metadata = { path: '/', ...metadataOf(stat), ...(xattrs === undefined ? {} : { xattrs }) };
  if (stat.isFIFO()) {
    makeFifo(forFs(to), 0o600);
    applyMetadata(forFs(to), { ...metadata, type: 'fifo' });
  } else {
    fs.symlinkSync(fs.readlinkSync(forFs(from), { encoding: 'buffer' }), forFs(to));
    applyMetadata(forFs(to), { ...metadata, type: 'symlink', target: '/' });
  }
}

/*
 * Sockets and devices, which Node cannot make. It also passes arguments as text, and a path is bytes: octal escapes carry them. The
 * underscore keeps the shell from dropping newlines at the end of a name.
 */
const script = `from=$(printf '%b_' "$1") && to=$(printf '%b_' "$2") && exec cp -a -T -- "\${from%_}" "\${to%_}"`;

async function copyByCommand(from: RawPath, to: RawPath): Promise<void> {
  const result = await runCommand(['/bin/sh', '-c', script, 'copy-aside', escaped(from), escaped(to)]);
  if (result.exitCode !== 0) throw new Error(`cannot copy it to ${showPath(to)}: ${result.stderr.toString().trim()}`);
}

function escaped(path: RawPath): string {
  return path.replaceAll(/[^]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
