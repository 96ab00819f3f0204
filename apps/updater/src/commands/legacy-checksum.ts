import path from 'node:path';
import { checksumOfDirectory, writeChecksum } from '@homeserver/orchestrator';
import { openForReading, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater legacy checksum <directory> [--write]`: what manifest.json must say about a module directory. */
export async function legacyChecksumCommand(
  context: CommandContext,
  directory: string,
  flags: { write?: boolean; wait?: number },
): Promise<number> {
  const place = path.resolve(directory);
  if (!flags.write) {
    const checksum = checksumOfDirectory(place);
    context.answer({ checksum }, [checksum]);
    return EXIT.done;
  }
  const options = { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal };
  const { checksum, updates } = await writeChecksum(openForReading(context), place, options);
  context.answer({ checksum, updates }, [checksum, `written into manifest.json for: ${updates.join(', ')}`]);
  return EXIT.done;
}
