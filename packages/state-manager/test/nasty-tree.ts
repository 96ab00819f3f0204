import fs from 'node:fs';
import * as fc from 'fast-check';
import { makeFifo, readAttributes, removeAttribute, setAttribute, setTimes } from '@homeserver/system';
import { isRoot } from './scene.ts';

// The same trees in every run; PROPERTY_RUNS=1000 takes new ones.
if (process.env['PROPERTY_RUNS'] === undefined) fc.configureGlobal({ seed: 20_261_127 });

/*
 * Trees of entries that programs like to get wrong, and the damage that is done to them. All paths are bytes. An action
 * that does not fit the tree it meets (the parent is a file by now) is passed over: generated sequences stay simple.
 */

const names = [
  'a',
  'b',
  'c d',
  'new\nline',
  '-rf',
  '.hidden',
  '%s*?',
  'é',
  'back\\slash',
  '"quoted\'',
  'n'.repeat(255),
].map((name) => Buffer.from(name));
const name = fc.constantFrom(...names, Buffer.of(0xff, 0xfe), Buffer.of(0x0a), Buffer.of(0xc3, 0x28, 0x20));
const target = fc.constantFrom(
  ...['a', '../b', '/etc/hostname', '/nowhere/at all', 'new\nline', '.', '..'].map((text) => Buffer.from(text)),
  Buffer.of(0xfe, 0x2f, 0xff),
);
const content = fc.tuple(fc.oneof(fc.nat(40), fc.integer({ min: 4096, max: 70_000 })), fc.nat(255));
const time = fc.bigInt({ min: -2_000_000_000_123_456_789n, max: 2_000_000_000_987_654_321n });
const mode = fc.integer({ min: 0, max: 0o7777 });
const owner = fc.constantFrom(0, 1, 1000, 65_534);
const holes = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 });
const attributeName = fc.constantFrom('user.colour', 'user.\xff name\n', ...(isRoot ? ['trusted.note'] : []));
const attributeValue = fc.uint8Array({ maxLength: 60 });
const aclUser = fc.constantFrom(1, 1234);
const at = fc.array(name, { minLength: 1, maxLength: 4 });
const pick = fc.nat(10_000);

export type Action =
  | { do: 'file'; at: Buffer[]; content: [size: number, byte: number] }
  /** With data at these places (times 8 KiB, and a bit), holes between them, and one at the end. */
  | { do: 'sparse'; at: Buffer[]; data: [place: number, byte: number][] }
  | { do: 'directory' | 'fifo'; at: Buffer[] }
  | { do: 'symlink'; at: Buffer[]; target: Buffer }
  | { do: 'hardlink'; at: Buffer[]; pick: number }
  | {
      do: 'hardlink-outside' | 'break-hardlink' | 'delete' | 'overwrite-same-size' | 'to-file' | 'to-directory';
      pick: number;
    }
  | { do: 'truncate'; pick: number; size: number }
  | { do: 'append'; pick: number; content: [size: number, byte: number] }
  | { do: 'retarget'; pick: number; target: Buffer }
  | { do: 'move'; pick: number; at: Buffer[] }
  | { do: 'chmod'; pick: number; mode: number }
  | { do: 'chown'; pick: number; uid: number; gid: number }
  | { do: 'touch'; pick: number; time: bigint }
  | { do: 'attribute'; pick: number; name: string; value: Uint8Array }
  | { do: 'acl' | 'default-acl'; pick: number; user: number; bits: number }
  | { do: 'capability' | 'strip-attributes'; pick: number };

const making: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('file' as const), at, content }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('directory' as const), at }) },
  fc.record({ do: fc.constant('sparse' as const), at, data: holes }),
  fc.record({ do: fc.constant('fifo' as const), at }),
  fc.record({ do: fc.constant('symlink' as const), at, target }),
  fc.record({ do: fc.constant('hardlink' as const), at, pick }),
);
const dressing: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('chmod' as const), pick, mode }),
  fc.record({ do: fc.constant('chown' as const), pick, uid: owner, gid: owner }),
  fc.record({ do: fc.constant('touch' as const), pick, time }),
  fc.record({ do: fc.constant('attribute' as const), pick, name: attributeName, value: attributeValue }),
  fc.record({ do: fc.constantFrom('acl' as const, 'default-acl' as const), pick, user: aclUser, bits: fc.nat(7) }),
  fc.record({ do: fc.constant('capability' as const), pick }),
);
const harming: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      'hardlink-outside',
      'break-hardlink',
      'delete',
      'overwrite-same-size',
      'to-file',
      'to-directory',
      'strip-attributes',
    ),
    pick,
  }),
  fc.record({ do: fc.constant('truncate' as const), pick, size: fc.nat(30) }),
  fc.record({ do: fc.constant('append' as const), pick, content }),
  fc.record({ do: fc.constant('retarget' as const), pick, target }),
  fc.record({ do: fc.constant('move' as const), pick, at }),
);

/** What makes a tree: entries first, then their modes, owners and times. */
export const nastyTree: fc.Arbitrary<Action[]> = fc
  .tuple(fc.array(making, { maxLength: 25 }), fc.array(dressing, { maxLength: 25 }))
  .map(([made, dressed]) => [...made, ...dressed]);

/** What may happen to a tree between a capture and a restore. */
export const damage: fc.Arbitrary<Action[]> = fc.array(fc.oneof(harming, harming, making, dressing), {
  minLength: 1,
  maxLength: 15,
});

export const join = (...parts: (string | Buffer)[]): Buffer =>
  Buffer.concat(
    parts.flatMap((part, i) =>
      i === 0 ? [Buffer.from(part as string)] : [Buffer.from('/'), Buffer.from(part as string)],
    ),
  );

/** Carries actions out on the tree at `root`; hardlinks to the outside go to `outside`. */
export function perform(actions: readonly Action[], root: string, outside: string): void {
  for (const [number, action] of actions.entries()) {
    try {
      act(action, root, join(outside, `link-${number}`));
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (
        ![
          'EEXIST',
          'ENOENT',
          'ENOTDIR',
          'EISDIR',
          'ELOOP',
          'ENOTEMPTY',
          'EINVAL',
          'EACCES',
          'EPERM',
          'ENAMETOOLONG',
          'EOPNOTSUPP',
          'ENOTSUP',
        ].includes(code)
      )
        throw error;
    }
  }
}

function act(action: Action, root: string, outside: Buffer): void {
  if ('at' in action && action.do !== 'move') {
    const place = join(root, ...action.at);
    makeParents(root, action.at);
    switch (action.do) {
      case 'file':
        return fs.writeFileSync(place, bytesOf(action.content), { flag: 'wx' });
      case 'sparse':
        return writeSparse(place, action.data);
      case 'directory':
        return fs.mkdirSync(place);
      case 'fifo':
        return makeFifo(place, 0o644);
      case 'symlink':
        return fs.symlinkSync(action.target, place);
      case 'hardlink':
        return fs.linkSync(chosen(root, action.pick, 'no directory'), place);
    }
  }
  const file = (): Buffer => chosen(root, 'pick' in action ? action.pick : 0, 'file');
  const any = (): Buffer => chosen(root, 'pick' in action ? action.pick : 0);
  switch (action.do) {
    case 'delete':
      return fs.rmSync(any(), { recursive: true });
    case 'hardlink-outside':
      return fs.linkSync(file(), outside);
    case 'break-hardlink': {
      const broken = file();
      const data = fs.readFileSync(broken);
      fs.rmSync(broken);
      return fs.writeFileSync(broken, data);
    }
    case 'overwrite-same-size': {
      const place = file();
      const { size, mtimeNs } = fs.lstatSync(place, { bigint: true });
      fs.writeFileSync(place, new Uint8Array(Number(size)).fill(0x21), { flag: 'r+' });
      return setTimes(place, mtimeNs, mtimeNs);
    }
    case 'truncate':
      return fs.truncateSync(file(), action.size);
    case 'append':
      return fs.appendFileSync(file(), bytesOf(action.content));
    case 'retarget': {
      const place = chosen(root, action.pick, 'symlink');
      fs.rmSync(place);
      return fs.symlinkSync(action.target, place);
    }
    case 'to-file': {
      const place = any();
      fs.rmSync(place, { recursive: true });
      return fs.writeFileSync(place, 'now a file');
    }
    case 'to-directory': {
      const place = any();
      fs.rmSync(place, { recursive: true });
      fs.mkdirSync(place);
      return fs.writeFileSync(join(place, 'inside'), 'now in a directory');
    }
    case 'move':
      makeParents(root, action.at);
      return fs.renameSync(any(), join(root, ...action.at));
    case 'chmod': {
      const place = any();
      const stat = fs.lstatSync(place);
      // An ordinary user could neither read nor leave what is closed to its owner.
      const needed = isRoot ? 0 : stat.isDirectory() ? 0o700 : 0o400;
      return stat.isSymbolicLink() ? undefined : fs.chmodSync(place, action.mode | needed);
    }
    case 'chown':
      return isRoot ? fs.lchownSync(any(), action.uid, action.gid) : undefined;
    case 'touch':
      return setTimes(any(), action.time, action.time);
    case 'attribute':
      return setAttribute(any(), action.name, Buffer.from(action.value));
    case 'acl':
      return setAttribute(any(), 'system.posix_acl_access', aclFor(action));
    case 'default-acl':
      return setAttribute(any(), 'system.posix_acl_default', aclFor(action));
    case 'capability':
      return isRoot ? setAttribute(file(), 'security.capability', BIND_CAPABILITY) : undefined;
    case 'strip-attributes': {
      const place = any();
      for (const one of readAttributes(place).keys()) removeAttribute(place, one);
      return;
    }
  }
}

/** cap_net_bind_service+ep, as setcap(8) writes it: VFS_CAP_REVISION_2, linux/capability.h. */
export const BIND_CAPABILITY: Buffer = Buffer.from('0100000200040000000000000000000000000000', 'hex');

function aclEntry(tag: number, permissions: number, id = 0xffff_ffff): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(permissions, 2);
  bytes.writeUInt32LE(id, 4);
  return bytes;
}

/** user::rwx, user:<user>:<bits>, group::r-x, mask::rwx, other::---; version 2, linux/posix_acl_xattr.h. */
export function aclFor({ user, bits }: { user: number; bits: number }): Buffer {
  return Buffer.concat([
    Buffer.of(2, 0, 0, 0),
    aclEntry(1, 7),
    aclEntry(2, bits, user),
    aclEntry(4, 5),
    aclEntry(16, 7),
    aclEntry(32, 0),
  ]);
}

function writeSparse(place: Buffer, data: [place: number, byte: number][]): void {
  const fd = fs.openSync(place, 'wx');
  try {
    for (const [at8KiB, byte] of data) fs.writeSync(fd, bytesOf([100, byte]), 0, 100, at8KiB * 8192 + 5);
    fs.ftruncateSync(fd, 600_000);
  } finally {
    fs.closeSync(fd);
  }
}

const bytesOf = ([size, byte]: [number, number]): Uint8Array => new Uint8Array(size).fill(byte);

/** Throws where a link would lead out of the tree, or anywhere else in it. */
function makeParents(root: string, parts: Buffer[]): void {
  for (let depth = 1; depth < parts.length; depth += 1) {
    const parent = join(root, ...parts.slice(0, depth));
    if (!fs.lstatSync(parent, { throwIfNoEntry: false })?.isDirectory()) fs.mkdirSync(parent);
  }
}

export interface Found {
  path: Buffer;
  stat: fs.BigIntStats;
}

/** Every entry at and below `root`, parents first. */
export function walk(root: Buffer): Found[] {
  const stat = fs.lstatSync(root, { bigint: true });
  if (!stat.isDirectory()) return [{ path: root, stat }];
  const below = fs.readdirSync(root, { encoding: 'buffer' }).sort(Buffer.compare);
  return [{ path: root, stat }, ...below.flatMap((one) => walk(join(root, one)))];
}

function chosen(root: string, number: number, kind: 'any' | 'file' | 'symlink' | 'no directory' = 'any'): Buffer {
  const all = walk(Buffer.from(root)).slice(1);
  const fits = {
    any: () => true,
    file: (stat: Found['stat']) => stat.isFile(),
    symlink: (stat: Found['stat']) => stat.isSymbolicLink(),
    'no directory': (stat: Found['stat']) => !stat.isDirectory(),
  };
  const fitting = all.filter(({ stat }) => fits[kind](stat));
  const one = fitting[number % Math.max(1, fitting.length)];
  if (one === undefined) throw Object.assign(new Error('nothing to choose from'), { code: 'ENOENT' });
  return one.path;
}
