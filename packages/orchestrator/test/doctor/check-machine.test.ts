import { describe, expect, it } from 'vitest';
import { runsSystemd } from '../../src/doctor/ask-program.ts';
import { checkClock } from '../../src/doctor/check-machine.ts';
import { newRunId, writeRunRecord } from '../../src/report/run-record.ts';
import { home, type Home } from '../support.ts';

const inTheFuture = Date.UTC(2090, 0, 1) / 1000;

/** A server whose runs ended then, in this order. */
function ranAt(...times: number[]): Home {
  const here = home();
  for (const seconds of times) {
    writeRunRecord(here.server.paths, {
      format: 1,
      id: newRunId(new Date(seconds * 1000), 'abcdef'),
      updater_version: '1.0.0',
      started: seconds,
      ended: seconds,
      commit: null,
      outcome: 'ok',
      recovered: [],
      updated: [],
      not_updated: [],
      modules: [],
    });
  }
  return here;
}

// Where systemd runs, it says whether the clock is right.
describe.skipIf(runsSystemd())('a last run that is ahead of the clock', () => {
  const now = Math.floor(Date.now() / 1000);
  const message = expect.stringMatching(/^the clock says 20.*, but the last run ended at 2090-01-01T00:00 \(UTC\)/);

  it('is told, without a command to set the clock, when an earlier run shows that the clock was wrong then', async () => {
    const { status, message: told, mend } = await checkClock(ranAt(now - 3600, inTheFuture).server.paths);
    expect([status, told]).toEqual(['warning', message]);
    expect(mend).toMatch(/^nothing, if it is right now/);
  });

  it('is an error when nothing shows that the clock is right', async () => {
    for (const times of [[inTheFuture], [inTheFuture - 60, inTheFuture]])
      expect(await checkClock(ranAt(...times).server.paths)).toEqual({
        status: 'error',
        message,
        mend: 'timedatectl set-ntp true',
      });
  });

  it('is forgotten with the next run', async () => {
    expect(await checkClock(ranAt(inTheFuture, now).server.paths)).toMatchObject({ status: 'ok' });
  });
});
