import type { RestoreReport } from '@homeserver/state-manager';
import type { Answer, CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { formatTime } from './format-time.ts';

const SHOWN = 10;

/** `2 put back, 1 adjusted, 5 were right already`. */
export function summarizeRestore({ restored, adjusted, unchanged, displaced }: RestoreReport): string {
  return [
    `${restored.length} put back`,
    `${adjusted.length} adjusted`,
    `${unchanged} ${unchanged === 1 ? 'was' : 'were'} right already`,
    ...(displaced.length > 0 ? [`${displaced.length} moved away`] : []),
  ].join(', ');
}

/** The summary's entries, the first ten of each kind. */
export function listRestore({ restored, adjusted, displaced }: RestoreReport): string[] {
  return [
    ...firstOf('put back', restored),
    ...firstOf('adjusted', adjusted),
    ...firstOf(
      'moved away',
      displaced.map(({ from, to }) => `${from} -> ${to}`),
    ),
  ];
}

function firstOf(what: string, entries: readonly string[]): string[] {
  const more = entries.length - SHOWN;
  return [
    ...entries.slice(0, SHOWN).map((entry) => `  ${what}: ${entry}`),
    ...(more > 0 ? [`  ${what}: ... and ${more} more`] : []),
  ];
}

/** What a restore did, as an answer; `names`: how programs know what was restored. */
export function answerRestore(
  { state, displacedDir, toType }: CommandContext,
  report: RestoreReport,
  names: object,
): Answer {
  const { slot, backupId, ...rest } = report;
  // On a read-only medium it is no news, and nothing can be done about it from here.
  const isOpen = displacedDir === undefined && state.hasOpenChanges();
  return {
    data: { ...names, backup_id: backupId, ...rest, open_changes: isOpen },
    lines: [
      `${slot} is as it was on ${formatTime(report.timestamp)}: ${summarizeRestore(report)}.`,
      ...listRestore(report),
      ...(isOpen ? [`Another change is still open: ${toType('--recover')}`] : []),
    ],
    exitCode: EXIT.done,
  };
}
