import { check, lastError, libc, terminated } from './libc.ts';

/*
 * Extended attributes, xattr(7): ACLs and capabilities are among them. Names and values are bytes; a name is held as
 * latin1. An entry is given by its path (a symlink itself), or by a descriptor, also one opened with O_PATH.
 */

const get = 'const uint8_t *name, _Out_ uint8_t *value, size_t size';
const set = 'const uint8_t *name, const uint8_t *value, size_t size, int flags';
const byPath = (prefix: 'l' | ''): Calls => ({
  list: libc.func(`long ${prefix}listxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)`),
  get: libc.func(`long ${prefix}getxattr(const uint8_t *path, ${get})`),
  set: libc.func(`int ${prefix}setxattr(const uint8_t *path, ${set})`),
  remove: libc.func(`int ${prefix}removexattr(const uint8_t *path, const uint8_t *name)`),
});
const ofLink = byPath('l');
const followed = byPath('');
const ofDescriptor: Calls = {
  list: libc.func('long flistxattr(int fd, _Out_ uint8_t *list, size_t size)'),
  get: libc.func(`long fgetxattr(int fd, ${get})`),
  set: libc.func(`int fsetxattr(int fd, ${set})`),
  remove: libc.func('int fremovexattr(int fd, const uint8_t *name)'),
};

const listText = libc.func('long llistxattr(const char *path, uint8_t *list, size_t size)');
const nothing = Buffer.alloc(1);
const none: ReadonlyMap<string, Buffer> = new Map();

interface Calls {
  list(of: number | Buffer, list: Buffer, size: number): number | bigint;
  get(of: number | Buffer, name: Buffer, value: Buffer, size: number): number | bigint;
  set(of: number | Buffer, name: Buffer, value: Buffer, size: number, flags: number): number;
  remove(of: number | Buffer, name: Buffer): number;
}

/** The attributes of an entry, by name. Empty where the file system has none. */
export function readAttributes(entry: string | Buffer | number): ReadonlyMap<string, Buffer> {
  if (typeof entry === 'string' && listText(entry, nothing, 0) === 0) return none; // Most have none.
  return on(entry, (calls, of) => {
    const list = sized((buffer, size) => calls.list(of, buffer, size), 'listxattr');
    const names = list.length === 0 ? [] : list.toString('latin1').split('\0').filter(Boolean);
    return new Map(names.map((name) => [name, valueOf(calls, of, name)]));
  });
}

function valueOf(calls: Calls, of: number | Buffer, name: string): Buffer {
  const bytes = terminated(Buffer.from(name, 'latin1'));
  return sized((buffer, size) => calls.get(of, bytes, buffer, size), 'getxattr');
}

/** Asks for the size, then for the bytes; again when they grew in between. */
function sized(ask: (buffer: Buffer, size: number) => number | bigint, name: string): Buffer {
  for (let size = 0; ;) {
    const buffer = Buffer.alloc(size);
    const length = Number(ask(buffer, size));
    if (length < 0) {
      const error = lastError(name);
      if (error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP') return Buffer.alloc(0);
      if (error.code !== 'ERANGE') throw error;
      size = 0;
    } else if (size > 0 || length === 0) {
      return buffer.subarray(0, length);
    } else {
      size = length;
    }
  }
}

/** Sets one attribute of an entry. */
export function setAttribute(entry: string | Buffer | number, name: string, value: Buffer): void {
  const bytes = terminated(Buffer.from(name, 'latin1'));
  on(entry, (calls, of) => check('setxattr', calls.set(of, bytes, value, value.length, 0)));
}

/** Takes one attribute from an entry; throws ENODATA when it has none of that name. */
export function removeAttribute(entry: string | Buffer | number, name: string): void {
  const bytes = terminated(Buffer.from(name, 'latin1'));
  on(entry, (calls, of) => check('removexattr', calls.remove(of, bytes)));
}

/** A descriptor opened with O_PATH is none for the f-calls (EBADF): its entry is reached through /proc, also a symlink. */
function on<T>(entry: string | Buffer | number, act: (calls: Calls, of: number | Buffer) => T): T {
  if (typeof entry !== 'number') return act(ofLink, terminated(entry));
  try {
    return act(ofDescriptor, entry);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error;
    return act(followed, terminated(`/proc/self/fd/${entry}`));
  }
}
