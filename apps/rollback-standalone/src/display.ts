import { progressLine, type OnProgress, type ProgressEvent, type VerifyEvent } from '@homeserver/state-manager';
import { eventLine } from '@homeserver/system';

/** What is told while a command works; the phase is as in a cycle of the updater. */
export type SeenEvent =
  | ProgressEvent
  | VerifyEvent
  | { type: 'phase'; phase: 'recover'; state: 'begun' }
  | { type: 'phase'; phase: 'recover'; state: 'ended'; durationMs: number };

export interface Display {
  onEvent(this: void, event: SeenEvent): void;
  readonly onProgress: OnProgress;
  /** Takes away what is drawn, so that something else can be written there. */
  clear(): void;
}

/** For programs that want it, each event on a line of stdout; else, at a terminal, how far it is on a line that is drawn over and over. */
export function openDisplay({ jsonLines }: { jsonLines: boolean }): Display {
  if (!jsonLines) return { onEvent: () => {}, ...progressLine(process.stderr) };
  return { onEvent: print, onProgress: (progress) => print({ type: 'progress', ...progress }), clear: () => {} };
}

function print(event: SeenEvent): void {
  process.stdout.write(eventLine(event));
}
