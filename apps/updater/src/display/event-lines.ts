import type { Progress } from '@homeserver/state-manager';
import { toSnakeCase } from '../text/to-snake-case.ts';
import type { Display, SeenEvent } from './display.ts';

/** For --json-lines: each event as one JSON object on a line of its own, with its time. */
export function eventLines(
  write: (line: string) => void,
): Pick<Display, 'onEvent' | 'onProgress' | 'onModuleProgress'> {
  const say = ({ type, ...rest }: SeenEvent | (Progress & { type: 'progress'; module?: string })): void => {
    write(`${JSON.stringify({ type, time: Date.now() / 1000, ...(toSnakeCase(rest) as object) })}\n`);
  };
  return {
    onEvent: say,
    onProgress: (progress) => say({ type: 'progress', ...progress }),
    onModuleProgress: (module, progress) => say({ type: 'progress', module, ...progress }),
  };
}
