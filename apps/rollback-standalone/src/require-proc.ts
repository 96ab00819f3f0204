import fs from 'node:fs';
import { UsageError } from './usage-error.ts';

/** A restore works through open directories, which Linux shows below /proc. A chroot in a rescue system may lack it. Throws UsageError. */
export function requireProc(): void {
  if (fs.existsSync('/proc/self/fd')) return;
  throw new UsageError('nothing was touched: /proc is not mounted', { hint: 'mount -t proc proc /proc' });
}
