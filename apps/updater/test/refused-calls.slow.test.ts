import { describeUnderSupervision, type SupervisedRun } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { atCalls } from './support/at-calls.ts';
import { mark, type UpdateUnderFire } from './support/update-under-fire.ts';

vi.setConfig({ testTimeout: 1_200_000 });

/* The machine refuses a call, once or from then on: no room, no right, no descriptors, a bad disk. */

const causes = {
  ENOSPC: /ENOSPC|No space left|Out of diskspace/,
  EDQUOT: /EDQUOT|quota exceeded|Out of diskspace/,
  EIO: /EIO|Input\/output error/,
  EACCES: /EACCES|ermission denied/,
  EROFS: /EROFS|Read-only file system/,
  EMFILE: /EMFILE|Too many open files/,
} as const;

/** What an update does without: it ends with 0 all the same, or says only what git said, which need not be the cause. */
const optional = [
  { call: /\/(?:capture\.)?lock$/, why: 'the note in a lock, by which people know who holds it' },
  { call: /\/state\/repo\//, why: 'git goes on without it, or does not say why it cannot' },
  { call: /\/backups\/\.homeserver-updates-\w+\.tmp(?: |$)|\/backups$/, why: 'the summary of the backups' },
  { call: /\/state\/intents/, why: 'the pointer to a note that is gone; the next run removes it' },
];

/** The run itself: it ends with an error that names what was refused, or did not need it. */
function wrongEnd(mode: keyof typeof causes, { exitCode, firedAt, stdout, stderr, timedOut }: SupervisedRun): string[] {
  if (firedAt === undefined) return exitCode === 0 ? [] : [`it failed by itself: ${stdout}${stderr}`]; // It made fewer calls.
  const said = `${stdout}${stderr}`;
  const isOptional = optional.some(({ call }) => call.test(firedAt));
  return [
    timedOut ? 'it hangs' : [],
    /^\s+at |node:internal/m.test(said) ? `a stack trace: ${said}` : [],
    exitCode === 4 ? `a rollback failed: ${said}` : [],
    exitCode === 0 && !isOptional ? 'it ended with exit code 0' : [],
    exitCode !== 0 && !isOptional && !said.split('\n').some((line) => causes[mode].test(line))
      ? `no cause: ${said}`
      : [],
  ].flat();
}

/** At once no module is broken; when the machine is well again, the next run makes everything right. */
async function wrongState({ server, broken, problems }: UpdateUnderFire): Promise<string[]> {
  const seen = broken();
  const next = await server.start(['run', '--retry'], { environment: mark(server) }).ended;
  const end = next.exitCode === 0 ? [] : [`the next run ended with ${next.exitCode}: ${next.stdout}${next.stderr}`];
  return [...seen, ...end, ...problems()];
}

/** How each of them is mostly met; a whole campaign has both ways for all. */
const usually: Readonly<Record<keyof typeof causes, readonly ('once' | 'from then on')[]>> = {
  ENOSPC: ['once', 'from then on'],
  EDQUOT: ['from then on'],
  EIO: ['once'],
  EACCES: ['from then on'],
  EROFS: ['from then on'],
  EMFILE: ['once'],
};

const cases = (Object.keys(causes) as (keyof typeof causes)[]).flatMap((mode) =>
  (process.env['FAULT_POINTS'] === 'all' ? usually.ENOSPC : usually[mode]).map((when) => ({ mode, when })),
);

await describeUnderSupervision('a machine that refuses a call of an update', () => {
  it.each(cases)('with $mode, $when, finds each module exactly old or new, and the reason said', async (how) => {
    const { mode, when } = how;
    const sticky = when === 'from then on';
    const judged = atCalls({ most: 3, fails: false }, { mode, sticky }, async (fire, ended) => [
      ...wrongEnd(mode, ended),
      ...(await wrongState(fire)),
    ]);
    expect(await judged).toEqual([]);
  });
});
