import fs from 'node:fs';

const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;

export interface ReadOptions {
  limitBytes?: number;
  /** false: a symlink in the file's place is refused ('ELOOP'). Default true. */
  followLink?: boolean;
}

/**
 * Reads a file of ours whole. Unlike `fs.readFileSync` it cannot be kept busy by what damage may have put in its place: a
 * FIFO, a device, or a file that claims to have terabytes. Throws as fs does (`ENOENT`), 'EINVAL' for what is no regular
 * file, 'EFBIG' for more than `limitBytes` (default 64 MiB).
 */
export function readFileBytes(file: string, options: ReadOptions = {}): Buffer {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | (options.followLink === false ? O_NOFOLLOW : 0));
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isDirectory()) throw refusal('EISDIR', `${file} is a directory`);
    if (!stat.isFile()) throw refusal('EINVAL', `${file} is not a regular file`);
    if (stat.size > (options.limitBytes ?? DEFAULT_LIMIT_BYTES))
      throw refusal('EFBIG', `${file} has ${stat.size} bytes`);
    return fs.readFileSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** `readFileBytes` as UTF-8 text. */
export function readFileText(file: string, options: ReadOptions = {}): string {
  return readFileBytes(file, options).toString();
}

function refusal(code: string, text: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}
