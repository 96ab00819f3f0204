import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { describeUnderSupervision, killAtCall } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { atCalls } from './support/at-calls.ts';
import { program } from './support/run-updater.ts';
import { mark, updateUnderFire, type UpdateUnderFire } from './support/update-under-fire.ts';

vi.setConfig({ testTimeout: 1_200_000 });

/** What is wrong now, and after the next run, which puts everything right by itself. */
async function afterTheNextRun({ server, broken, problems }: UpdateUnderFire): Promise<string[]> {
  const seen = broken();
  const { exitCode, stderr } = await server.start(['run'], { environment: mark(server) }).ended;
  // 3 for the module that fails, 0 when it had failed already, and is not tried again at once.
  const end = exitCode === 3 || exitCode === 0 ? [] : [`the next run ended with ${exitCode}: ${stderr}`];
  return [...seen.map((what) => `at that instant, ${what}`), ...end, ...problems()];
}

await describeUnderSupervision(
  'an update, at any call of its processes that changes a file or starts a program,',
  () => {
    it('can be killed: no reader ever finds a module missing or mixed, and the next run makes all of it whole', async () => {
      expect(await atCalls({ most: 24 }, { mode: 'kill', alsoExec: true }, afterTheNextRun)).toEqual([]);
    });

    it('can be killed with half of a write on the disk', async () => {
      expect(await atCalls({ most: 8 }, { mode: 'torn' }, afterTheNextRun)).toEqual([]);
    });

    it('goes on when a write is short', async () => {
      const judged = atCalls({ most: 8 }, { mode: 'short' }, async ({ problems }, { exitCode }) => [
        ...(exitCode === 3 ? [] : [`it ended with ${exitCode}`]),
        ...problems(),
      ]);
      expect(await judged).toEqual([]);
    });

    it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('heeds %s, and leaves nothing running', async (mode) => {
      const judged = atCalls({ most: 6 }, { mode }, async (fire, { exitCode, stderr }) => {
        // A signal in the last moments finds the update done.
        const isDocumented = exitCode === 128 + constants.signals[mode] || exitCode === 3;
        return [...(isDocumented ? [] : [`it ended with ${exitCode}: ${stderr}`]), ...(await afterTheNextRun(fire))];
      });
      expect(await judged).toEqual([]);
    });

    it('keeps a second updater out, which changes nothing and says who is at work', async () => {
      const fire = await updateUnderFire();
      fire.reset();
      const { server } = fire;
      const [seen, every] = [path.join(server.root, 'seen'), process.env['FAULT_POINTS'] === 'all' ? 1 : 10];
      fs.mkdirSync(seen);
      const second = `${process.execPath} ${program} run > ${seen}/out 2>&1; echo "$? $(tail -2 ${seen}/out)" > ${seen}/$n`;
      const count = `n=$(($(cat ${seen}/n 2>/dev/null || echo 0) + 1)); echo $n > ${seen}/n`;
      const hook = `${count}; [ $((n % ${every})) != 0 ] || { ${second}; }`;
      const { exitCode, calls } = await killAtCall(fire.command, 1, {
        ...fire.watched,
        mode: 'hook',
        hook,
        sticky: true,
        timeoutMs: 600_000,
      });
      expect([exitCode, fire.problems()]).toEqual([3, []]);
      // At its first calls it has not got so far as the lock.
      const hasLock = calls.indexOf(`pwrite64 ${server.backupDir}/lock`) + 2;
      expect(hasLock).toBeGreaterThan(1);
      const ends = fs
        .readdirSync(seen)
        .flatMap((n) => (Number(n) >= hasLock ? [fs.readFileSync(path.join(seen, n), 'utf8')] : []));
      expect(ends.length).toBeGreaterThan(10);
      for (const end of ends)
        expect(end).toMatch(/^5 updater: pid \d+ \(updater run\) holds the lock .*\n +wait for it/);
    });
  },
);
