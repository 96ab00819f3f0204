import fs from 'node:fs';
import path from 'node:path';
import { makeLargeFile } from './large-file.ts';
import type { Scale } from '../scale.ts';

const checkout = path.resolve(import.meta.dirname, '../../../..');
const LARGEST_COPIED_BYTES = 4 * 1024 * 1024;
const UPLOAD_BYTES = 4 * 1024 * 1024;

/**
 * T3, a web application from what is at hand: copies of the checkout's own node_modules (links as links, without the
 * largest binaries) until there are enough files, then uploads of random bytes until there are enough bytes.
 */
export function makeWebApplication(tree: string, wanted: Scale['web']): void {
  const made = { files: 0, bytes: 0 };
  for (let site = 1; made.files < wanted.files; site += 1) {
    const before = made.files;
    copyInto(path.join(checkout, 'node_modules'), path.join(tree, `site-${site}`, 'node_modules'), made, wanted);
    if (made.bytes >= wanted.bytes) break;
    if (made.files === before)
      throw new Error(`there is nothing to copy in ${checkout}/node_modules: run npm run setup`);
  }
  const uploads = path.join(tree, 'uploads');
  fs.mkdirSync(uploads, { recursive: true });
  for (let number = 1; made.bytes < wanted.bytes; number += 1) {
    const bytes = Math.min(UPLOAD_BYTES, wanted.bytes - made.bytes);
    makeLargeFile(path.join(uploads, `photo-${number}.jpg`), bytes);
    made.bytes += bytes;
  }
}

function copyInto(from: string, to: string, made: Scale['web'], wanted: Scale['web']): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (made.files >= wanted.files || made.bytes >= wanted.bytes) return;
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyInto(source, target, made, wanted);
    else if (entry.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(source), target);
    else if (entry.isFile()) {
      const { size, mode } = fs.statSync(source);
      if (size > LARGEST_COPIED_BYTES) continue;
      // Not copyFile, which takes the owner along: not every program keeps one.
      fs.writeFileSync(target, fs.readFileSync(source), { mode });
      made.files += 1;
      made.bytes += size;
    }
  }
}
