import { formatLocalTime } from '@homeserver/system';
import { nextTry, type FailedVersion } from './module-records.ts';

/** Until when a version that failed here is left alone, for people; undefined when it may be tried now. `now`: Unix seconds. */
export function withheldUntil(failure: FailedVersion, now: number): string | undefined {
  const when = nextTry(failure, now);
  if (when === undefined) return 'it is not tried again before another version comes';
  return when <= now ? undefined : `next try after ${formatLocalTime(when)}`;
}
