import type { ProgressEvent } from '@homeserver/state-manager';
import { eventLine } from '@homeserver/system';
import type { Display, SeenEvent } from './display.ts';

/** For --json-lines: each event as one JSON object on a line of its own, with its time. */
export function eventLines(
  write: (line: string) => void,
): Pick<Display, 'onEvent' | 'onProgress' | 'onModuleProgress'> {
  const say = (event: SeenEvent | (ProgressEvent & { module?: string })): void => write(eventLine(event));
  return {
    onEvent: say,
    onProgress: (progress) => say({ type: 'progress', ...progress }),
    onModuleProgress: (module, progress) => say({ type: 'progress', module, ...progress }),
  };
}
