import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scene, type Scene } from './scene.ts';

async function holder(here: Scene): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, 'fixtures/hold.ts');
  const child = spawn(process.execPath, [script, here.root], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

describe('while another process is changing something', () => {
  it('every operation that changes anything ends at once, and names it; reading goes on', async () => {
    const here = scene({ f: 'old' });
    const child = await holder(here);
    const state = here.stateManager();
    const startedAt = performance.now();
    for (const act of [
      () => state.recover(),
      () => state.backupModuleState('app', { files: [here.at('f')] }),
      () => state.restoreModuleState('app'),
      () => state.guard('other', {}, async () => {}),
      () => state.removeModuleBackup('app'),
      () => state.undoRun('x'),
    ]) {
      const message = expect.stringMatching(`^pid ${child.pid} \\(change of app\\) holds the lock`) as string;
      await expect(act()).rejects.toThrow(expect.objectContaining({ code: 'locked', message }));
    }
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    expect(here.read('f')).toBe('half');
    expect([state.hasOpenChanges(), Object.keys(state.listModuleBackups().backups)]).toEqual([true, ['app']]);
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'and is ended by %s, the lock is free, and the change is undone',
    async (signal) => {
      const here = scene({ f: 'old' });
      await end(await holder(here), signal);
      expect((await here.stateManager().recover()).found).toMatchObject([{ slot: 'app', outcome: 'restored' }]);
      expect(here.read('f')).toBe('old');
    },
  );
});
