import path from 'node:path';
import { showPath, syncDirectory, toRawPath } from '@homeserver/system';
import type { RestoreContext } from '../state-source.ts';
import { writeDump } from './dump-file.ts';

/** Writes what a restore replaced to `displaced/<time>/databases/<name>`, durably, and returns that path. `fill` as for `writeDump`. */
export async function displaceDump(
  { displaced }: RestoreContext,
  name: string,
  fill: (temporary: string, fd: number) => Promise<void>,
): Promise<string> {
  const place = displaced.placeFor(toRawPath(`/databases/${encodeURIComponent(name)}`));
  const file = Buffer.from(place, 'latin1').toString();
  await writeDump(path.dirname(file), path.basename(file), fill);
  syncDirectory(path.dirname(file));
  return showPath(place);
}
