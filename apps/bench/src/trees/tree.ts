import fs from 'node:fs';
import path from 'node:path';
import type { Bench } from '../bench.ts';
import { makeLargeFile } from './large-file.ts';
import { makeSmallFiles } from './small-files.ts';
import { digestOfTree } from './tree-digest.ts';
import { makeWebApplication } from './web-application.ts';

/** Something to back up. */
export interface Tree {
  path: string;
  /** For the tables. */
  title: string;
  /** What a copy takes on the disk, about. */
  bytes: number;
}

const BLOCK_BYTES = 4096;
const BYTES_OF_AN_ENTRY = 600; // Inode, directory entry, a share of a directory's block.

/** T1. */
export async function smallFiles(bench: Bench): Promise<Tree> {
  const { small } = bench.scale;
  const title = `T1 (${count(small.files)} files of 4 KiB in ${count(small.directories)} directories)`;
  const bytes = small.files * (small.fileBytes + BYTES_OF_AN_ENTRY);
  return bench.once(title, () => made(bench, { title, bytes, make: (tree) => makeSmallFiles(tree, small) }));
}

export async function manyFiles(bench: Bench): Promise<Tree> {
  const { many } = bench.scale;
  const title = `${count(many.files)} files`;
  const bytes = many.files * (BLOCK_BYTES + BYTES_OF_AN_ENTRY);
  return bench.once(title, () => made(bench, { title, bytes, make: (tree) => makeSmallFiles(tree, many) }));
}

/** Small enough to be of no account: only their inodes matter. */
export async function filesForPermissions(bench: Bench): Promise<Tree> {
  const size = bench.scale.permissions;
  const title = `${count(size.files)} files in ${count(size.directories)} directories`;
  const bytes = size.files * (BLOCK_BYTES + BYTES_OF_AN_ENTRY);
  return bench.once(title, () => made(bench, { title, bytes, make: (tree) => makeSmallFiles(tree, size) }));
}

/** T2. */
export async function largeFile(bench: Bench): Promise<Tree> {
  const bytes = bench.scale.largeBytes;
  const title = `T2 (one file of ${count(bytes / 1024 ** 2)} MiB)`;
  const make = (tree: string): void => makeLargeFile(path.join(tree, 'disk.img'), bytes);
  return bench.once(title, () => made(bench, { title, bytes, make }));
}

/** T3. */
export async function webApplication(bench: Bench): Promise<Tree> {
  const { web } = bench.scale;
  const title = `T3 (a web application: ${count(web.files)} files, ${count(web.bytes / 1024 ** 2)} MiB)`;
  const bytes = web.bytes + web.files * (2048 + BYTES_OF_AN_ENTRY); // On average, half of a file's last block is empty.
  return bench.once(title, () => made(bench, { title, bytes, make: (tree) => makeWebApplication(tree, web) }));
}

function made(bench: Bench, tree: { title: string; bytes: number; make(directory: string): void }): Tree {
  bench.reserve(tree.bytes, tree.title);
  const directory = bench.fresh('tree');
  fs.mkdirSync(directory);
  tree.make(directory);
  return { path: directory, title: tree.title, bytes: tree.bytes };
}

/** A benchmark of something that was not done is worth nothing. Throws when the trees differ. */
export function expectSame(digest: string, tree: string): void {
  if (digestOfTree(tree) !== digest) throw new Error(`${tree} is not what it should be a copy of`);
}

function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}
