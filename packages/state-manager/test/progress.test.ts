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
});
