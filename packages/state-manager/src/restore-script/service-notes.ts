import { toRawPath } from '@homeserver/system';
import type { RecordedUnit } from '../services/service-record.ts';
import type { RestoreNote } from './restore-list.ts';
import { shellWords } from '../shell-words.ts';

/** What a person types for the units, which restore.sh leaves as they are: it may be at work where no systemd runs. */
export function notesForServices(units: readonly RecordedUnit[]): RestoreNote[] {
  const ours = units.filter(({ why }) => why !== 'companion');
  const commands = [
    order(
      'enable',
      ours.filter(({ unit_file_state: state }) => state === 'enabled'),
    ),
    order(
      'disable',
      ours.filter(({ unit_file_state: state }) => state === 'disabled'),
    ),
    order(
      'start',
      ours.filter(({ active_state: state }) => state === 'active'),
    ),
    order(
      'stop',
      ours.filter(({ active_state: state }) => state === 'inactive' || state === 'failed'),
    ),
    order(
      'mask',
      ours.filter(({ unit_file_state: state }) => state === 'masked'),
    ),
  ].flat();
  if (commands.length === 0) return [];
  return [note('- services; afterwards, type:'), ...commands.map((text): RestoreNote => ({ kind: 'type', text }))];
}

function order(verb: string, units: readonly RecordedUnit[]): string[] {
  return units.length === 0 ? [] : [toRawPath(shellWords('systemctl', verb, '--', ...units.map(({ unit }) => unit)))];
}

function note(text: string): RestoreNote {
  return { kind: 'note', text: toRawPath(text) };
}
