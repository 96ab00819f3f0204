import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** One way to damage a file or a directory; `other`: another one of the same tree. false when it would change nothing. */
export type Damage = (at: string, other: string) => unknown;

const edit = (change: (content: Buffer) => Buffer): Damage => {
  return (at) => {
    const content = fs.readFileSync(at);
    const changed = change(Buffer.from(content));
    if (changed.equals(content)) return false;
    return fs.writeFileSync(at, changed);
  };
};

const replaceBy = (make: (at: string, other: string) => unknown): Damage => {
  return (at, other) => {
    fs.rmSync(at, { recursive: true });
    make(at, other);
  };
};

/** One bit, at a place that is `share` of the way through the file. */
const flip = (share: number): Damage =>
  edit((content) => {
    const at = Math.floor(content.length * share);
    if (at < content.length) content[at] = (content[at] as number) ^ 4;
    return content;
  });

/** What disks, file systems and people do to a file. */
export const fileDamages: Readonly<Record<string, Damage>> = {
  'is empty': edit(() => Buffer.alloc(0)),
  'is half of itself': edit((content) => content.subarray(0, content.length / 2)),
  'lacks its last byte': edit((content) => content.subarray(0, Math.max(0, content.length - 1))),
  'has another bit at its beginning': flip(0),
  'has another bit in its middle': flip(0.5),
  'has another bit at its end': flip(0.999),
  'has a block of zeros': edit((content) => {
    const from = Math.floor(content.length / 3);
    return content.fill(0, from, Math.min(content.length, from + 512));
  }),
  'has more at its end': edit((content) => Buffer.concat([content, Buffer.from('\0garbage')])),
  'is gone': (at) => fs.rmSync(at),
  'may not be read': (at) => fs.chmodSync(at, 0),
  'is a link to elsewhere': replaceBy((at) => fs.symlinkSync('/etc/passwd', at)),
  'is a link to itself': replaceBy((at) => fs.symlinkSync(path.basename(at), at)),
  'is a FIFO': replaceBy((at) => execFileSync('mkfifo', [at])),
  'is a directory': replaceBy((at) => fs.mkdirSync(at)),
  'is another name of another file': replaceBy((at, other) => fs.linkSync(other, at)),
  'has changed places with another file': (at, other) => {
    fs.renameSync(at, `${at}~`);
    fs.renameSync(other, at);
    fs.renameSync(`${at}~`, other);
  },
  'is setuid': (at) => fs.chmodSync(at, 0o6777),
  'belongs to somebody else': (at) => (process.getuid?.() === 0 ? fs.lchownSync(at, 65_534, 65_534) : false),
  'claims terabytes': (at) => fs.truncateSync(at, 2 ** 42),
  'is no UTF-8': replaceBy((at) => fs.writeFileSync(at, Buffer.from([0xff, 0xfe, 0x7b]))),
  'is null': replaceBy((at) => fs.writeFileSync(at, 'null')),
  'is an object with a prototype': replaceBy((at) => fs.writeFileSync(at, '{"__proto__":{"x":1},"constructor":1}')),
  'is nested very deeply': replaceBy((at) => fs.writeFileSync(at, '['.repeat(200_000))),
};

export const directoryDamages: Readonly<Record<string, Damage>> = {
  'is gone': (at) => fs.rmSync(at, { recursive: true }),
  'is empty': replaceBy((at) => fs.mkdirSync(at)),
  'is a file': replaceBy((at) => fs.writeFileSync(at, '')),
  'is a link to elsewhere': replaceBy((at) => fs.symlinkSync('/etc', at)),
};
