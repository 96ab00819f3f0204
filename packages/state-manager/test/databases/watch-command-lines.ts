import fs from 'node:fs';
import { onTestFinished } from 'vitest';

/**
 * Looks at the arguments of all processes, again and again, until the test ends. `seen` has each command line that there was,
 * arguments separated by blanks.
 */
export function watchCommandLines(): { seen: Set<string>; stop: () => void } {
  const seen = new Set<string>();
  const look = (): void => {
    for (const pid of fs.readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        seen.add(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
      } catch {
        // It has ended.
      }
    }
  };
  const timer = setInterval(look, 1);
  const stop = (): void => clearInterval(timer);
  onTestFinished(stop);
  return { seen, stop };
}
