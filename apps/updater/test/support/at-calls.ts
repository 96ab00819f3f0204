import {
  atEachPoint,
  countCalls,
  faultPoints,
  killAtCall,
  type SupervisedRun,
  type SupervisionOptions,
} from '@homeserver/test-support';
import { updateUnderFire, type UpdateUnderFire } from './update-under-fire.ts';

/**
 * Lets something happen at a sample of an update's calls, each on a fresh server, and collects what `judge` finds wrong.
 * `fails`: as for `updateUnderFire`.
 */
export async function atCalls(
  { most, fails = true }: { most: number; fails?: boolean },
  options: Pick<SupervisionOptions, 'mode' | 'alsoExec' | 'sticky'>,
  judge: (fire: UpdateUnderFire, ended: SupervisedRun) => Promise<string[]>,
): Promise<string[]> {
  const fires = [await updateUnderFire({ fails }), await updateUnderFire({ fails })];
  const how = ({ watched }: UpdateUnderFire): SupervisionOptions => ({ ...watched, ...options, timeoutMs: 300_000 });
  const [first] = fires as [UpdateUnderFire];
  first.reset();
  const { calls } = await countCalls(first.command, how(first));
  return atEachPoint(faultPoints(calls.length, most), async (n, lane) => {
    const fire = fires[lane] ?? first;
    fire.reset();
    const ended = await killAtCall(fire.command, n, how(fire));
    const problems = await judge(fire, ended);
    return problems.map((problem) => `${options.mode} at call ${n} (${ended.firedAt}): ${problem}`);
  });
}
