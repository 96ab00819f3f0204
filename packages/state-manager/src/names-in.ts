import fs from 'node:fs';
import { errnoName, ioError } from '@homeserver/system';

/** The names in one of our own directories; none when there is no such directory. */
export function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw ioError('read the directory', directory, error);
  }
}
