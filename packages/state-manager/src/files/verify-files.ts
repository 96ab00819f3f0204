import { ProgressMeter, type OnProgress } from '../progress.ts';
import { BATCH_FILE_BYTES } from './copy-batch.ts';
import { CopyCrew, type CopyJob } from './copy-crew.ts';
import type { CapturedFile, CapturedFiles } from './file-record.ts';
import { copyOfEntry, DamagedCopy, readCopy } from './read-copy.ts';

/** Re-reads the copy of each recorded file; one line for each that is not what was captured. */
export function verifyFiles(captured: CapturedFiles, directory: string, onProgress?: OnProgress): string[] {
  const meter = new ProgressMeter('verify', onProgress);
  let [files, bytes] = [0, 0];
  for (const { size } of filesIn(captured)) [files, bytes] = [files + 1, bytes + size];
  meter.expect(files, bytes);
  const damages = damagesOf(filesIn(captured), directory, meter);
  meter.end();
  return damages;
}

function* filesIn({ entries }: CapturedFiles): Generator<CapturedFile> {
  for (const entry of entries) if (entry.type === 'file') yield entry;
}

interface FileJob extends CopyJob {
  entry: CapturedFile;
}

/** What is wrong with the copies of these files, one line each, sorted. */
export function damagesOf(files: Iterable<CapturedFile>, directory: string, meter?: ProgressMeter): string[] {
  const suspects: CapturedFile[] = [];
  const crew = new CopyCrew<FileJob>(({ entry }, sha256) => {
    if (sha256 !== entry.sha256) suspects.push(entry);
    else meter?.add(1, entry.size);
  }, 'restore');
  try {
    for (const entry of files) {
      const { size, mode, uid, gid } = entry;
      const path = copyOfEntry(directory, entry);
      if (size > BATCH_FILE_BYTES || entry.sparse) suspects.push(entry);
      else crew.add({ path, to: undefined, stat: { size, mode, uid, gid }, entry });
    }
    crew.finish();
  } finally {
    crew.close();
  }
  return suspects
    .flatMap((entry) => {
      const damage = damageOf(entry, directory);
      meter?.add(1, entry.size);
      return damage ?? [];
    })
    .sort();
}

/** What is wrong with the copy of one file, or undefined. */
function damageOf(entry: CapturedFile, directory: string): string | undefined {
  try {
    readCopy(directory, entry);
    return undefined;
  } catch (error) {
    if (error instanceof DamagedCopy) return error.message;
    throw error;
  }
}
