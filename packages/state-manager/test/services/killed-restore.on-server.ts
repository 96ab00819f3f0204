import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectNothingOpen } from '../expectations.ts';
import { scene, type Scene } from '../scene.ts';
import { describeUnits, INSTALLED_UNIT_FILES, isActive, makeUnits, shell, SLEEPER, startHolding } from './units.ts';

/* kill -9 at each order that a restore gives to systemd; then a fresh process (this one) recovers. */

const MOST_ORDERS = 60;

/**
 * A systemctl that comes first in PATH: once <root>/armed is there, it counts, and at order `n` it kills whoever gave it.
 * Every other order is carried out all the same, by a systemctl that nobody waits for any more.
 */
function deadlySystemctl(here: Scene, n: number): string {
  const directory = path.join(here.root, 'bin');
  fs.mkdirSync(directory);
  const script = `#!/bin/sh
if [ -e ${here.root}/armed ]; then
  echo >> ${here.root}/orders
  if [ $(wc -l < ${here.root}/orders) = ${n} ]; then kill -9 $PPID; ${n % 2 === 0 ? 'true' : 'exit'}; fi
fi
exec /usr/bin/systemctl "$@"
`;
  fs.writeFileSync(path.join(directory, 'systemctl'), script, { mode: 0o755 });
  return directory;
}

async function guardUntilKilled(here: Scene, n: number): Promise<'killed' | 'ended'> {
  const PATH = `${deadlySystemctl(here, n)}:${process.env['PATH']}`;
  const script = path.join(import.meta.dirname, '../fixtures/guard-services.ts');
  const child = spawn(process.execPath, [script, here.root, 'fail'], {
    env: { ...process.env, PATH },
    stdio: 'ignore',
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return signal === 'SIGKILL' ? 'killed' : 'ended';
}

describe('a restore that is killed at an order to systemd', () => {
  it('is completed by the next recovery, whichever order it was', { timeout: 900_000 }, async () => {
    let n = 1;
    for (let ended: 'killed' | 'ended' = 'killed'; ended === 'killed'; n += 1) {
      expect(n).toBeLessThan(MOST_ORDERS);
      const here = scene({ data: 'old' });
      const holding = SLEEPER.replace('/bin/sleep 100000', `/usr/bin/tail -f ${here.at('data')}`);
      makeUnits({ 'hu-app.service': holding, 'hu-off.service': SLEEPER }, INSTALLED_UNIT_FILES);
      shell('systemctl stop hu-app; systemctl enable hu-app');
      await startHolding('hu-app', here.at('data'));
      const before = describeUnits(['hu-app.service', 'hu-off.service']);
      ended = await guardUntilKilled(here, n);
      const { found } = await here.stateManager().recover();
      expect(found.map(({ outcome }) => outcome)).toEqual(ended === 'killed' ? ['restored'] : []);
      expect([n, ...describeUnits(['hu-app.service', 'hu-off.service'])]).toEqual([n, ...before]);
      expect([here.read('data'), isActive('hu-app')]).toEqual(['old', true]);
      expectNothingOpen(here);
    }
    expect(n).toBeGreaterThan(8);
  });
});
