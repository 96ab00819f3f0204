import { formatLocalTime } from '@homeserver/system';
import { nextTry, type FailedVersion } from './module-records.ts';

/** Until when a version that failed here is left alone, for people; undefined when it may be tried now. `now`: Unix seconds. */
export function withheldUntil(failure: FailedVersion, now: number): string | undefined {
  const when = nextTry(failure);
  if (when === undefined) return 'it is not tried again before another version comes';
  // A failure from the future (the clock was set back since) says nothing about how long ago it was.
  if (when <= now || failure.last_failure > now) return undefined;
  return `next try after ${formatLocalTime(when)}`;
}
