import fs from 'node:fs';
import path from 'node:path';
import { describeUnderSupervision, killAtCall } from '@homeserver/test-support';
import { expect, it } from 'vitest';
import { journalOf } from './expectations.ts';
import { scene } from './scene.ts';

const manager = path.join(import.meta.dirname, '../src/index.ts');

await describeUnderSupervision('a note of an open change that cannot be read', () => {
  it('for want of descriptors is no damaged one: nothing is undone without it', async () => {
    const here = scene({ f: 'old' });
    const state = here.stateManager({ lock: 'inherited', run: 'r1.app', session: 'app' });
    await state.guard('app', { files: [here.at('f')] }, async () => here.write('f', 'new'));
    const script = path.join(here.root, 'recover.mjs');
    fs.writeFileSync(
      script,
      `import { StateManager } from '${manager}';
       const state = new StateManager({ backupDir: '${here.backupDir}', stateDir: '${here.stateDir}', lock: 'inherited' });
       await state.undoRun('r1.app').then(console.log, (error) => console.log(error.code, error.message));`,
    );
    const notes = journalOf(here).map((name) => path.join(here.backupDir, 'journal', name));
    const under = [notes[0] as string];
    const { stdout, firedAt } = await killAtCall([process.execPath, script], 1, { under, mode: 'EMFILE' });
    expect([firedAt, stdout]).toEqual([`openat ${under[0]}`, expect.stringMatching(/^io .*cannot read .*EMFILE/)]);
    expect([here.read('f'), journalOf(here).length]).toEqual(['new', notes.length]);
    await state.undoRun('r1.app');
    expect(here.read('f')).toBe('old');
  });
});
