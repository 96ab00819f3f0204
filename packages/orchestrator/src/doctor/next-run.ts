import { answerOf, runsSystemd } from './ask-program.ts';
import { TIMER } from './check-installation.ts';

/** When the timer of this machine starts the updater next, Unix seconds; undefined where no timer does. */
export async function nextRun(): Promise<number | undefined> {
  if (!runsSystemd()) return undefined;
  const show = ['systemctl', 'show', TIMER, '--property=NextElapseUSecRealtime', '--value'] as const;
  const shown = await answerOf(['env', 'TZ=UTC', ...show]); // `Sat 2026-11-28 00:12:34 UTC`
  const [, time] = /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC/.exec(shown ?? '') ?? [];
  return time === undefined ? undefined : Date.parse(`${time.replace(' ', 'T')}Z`) / 1000;
}
