import { randomFillSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Scale } from '../scale.ts';

const DIRECTORIES_PER_GROUP = 50;

/** Where the file with this number lies below the tree. */
function fileAt(number: number, { files, directories }: Scale['small']): string {
  const directory = Math.floor(number / Math.ceil(files / directories));
  const group = Math.floor(directory / DIRECTORIES_PER_GROUP);
  return path.join(`group-${group}`, `directory-${directory}`, `file-${number}`);
}

/** T1: many files of one size. Each has content of its own, so that no program saves work by finding equal ones. */
export function makeSmallFiles(tree: string, size: Scale['small']): void {
  const content = Buffer.allocUnsafe(size.fileBytes);
  let madeLast = '';
  for (let number = 0; number < size.files; number += 1) {
    const file = path.join(tree, fileAt(number, size));
    const directory = path.dirname(file);
    if (directory !== madeLast) fs.mkdirSync(directory, { recursive: true });
    madeLast = directory;
    fs.writeFileSync(file, randomFillSync(content));
  }
}

/** Writes new content into every hundredth file, others in each round; at least into one. */
export function changeOnePercent(tree: string, size: Scale['small'], round: number): void {
  const step = Math.min(100, size.files);
  const content = Buffer.allocUnsafe(size.fileBytes);
  for (let number = round % step; number < size.files; number += step) {
    fs.writeFileSync(path.join(tree, fileAt(number, size)), randomFillSync(content));
  }
}
