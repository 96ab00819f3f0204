import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../src/progress.ts';
import { scene } from './scene.ts';

describe('progress', () => {
  it('of a capture ends with all files and bytes', async () => {
    const here = scene({ tree: { a: 'one', b: 'three', deep: { c: '' } } });
    const heard: Progress[] = [];
    const state = here.stateManager({ onProgress: (progress) => heard.push(progress) });
    await state.backupModuleState('app', { files: [here.at('tree')] });
    expect(heard.at(-1)).toMatchObject({ phase: 'capture', filesDone: 3, bytesDone: 8 });
  });

  it.each(['a backup', 'a snapshot'])(
    'of a check of %s ends with all files and bytes, damaged ones too',
    async (what) => {
      const here = scene({ tree: { a: 'one', b: 'three', c: '' } });
      const heard: Progress[] = [];
      const state = here.stateManager({ onProgress: (progress) => heard.push(progress) });
      const files = { files: [here.at('tree')] };
      const { id } = await state.snapshots.captureFileState(here.at('tree'), '');
      await state.backupModuleState('app', files);
      const place = path.join(here.backupDir, what === 'a backup' ? 'app_backup' : `snapshots/${id}`);
      fs.writeFileSync(path.join(place, 'files', here.at('tree/b')), 'THREE');
      const check = what === 'a backup' ? state.verifyModuleBackup('app') : state.snapshots.verifySnapshot(id);
      expect(await check).toHaveLength(1);
      expect(heard.at(-1)).toMatchObject({ phase: 'verify', filesDone: 3, filesTotal: 3, bytesDone: 8, bytesTotal: 8 });
    },
  );
});
