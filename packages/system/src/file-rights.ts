import { randomFill } from 'node:crypto';
import { libc } from './libc.ts';

const call = {
  setfsuid: libc.func('int setfsuid(unsigned int uid)'),
  setfsgid: libc.func('int setfsgid(unsigned int gid)'),
};
const NOBODY_ASKED = 0xffff_ffff; // Changes nothing, and tells the present value: setfsuid(2).

/**
 * Runs `act` with another user's rights on files in place of root's, where a path may lead somewhere else the next moment
 * because that user owns the directory: it then leads no further than they could go themselves. What `act` makes belongs to
 * them. Only this thread is affected, and only while `act` runs: it must be synchronous. Without root it changes nothing.
 */
export function withFileRights<T>(uid: number, gid: number, act: () => T): T {
  if (process.geteuid?.() !== 0 || uid === 0) return act();
  randomFill(Buffer.alloc(1), () => {}); // Starts the threads of Node's pool, if there are none: they would keep what we have now.
  try {
    call.setfsgid(gid);
    call.setfsuid(uid); // Last: it takes root's capabilities away.
    if (call.setfsuid(NOBODY_ASKED) !== uid) throw new Error(`cannot take on the rights of uid ${uid} on files`);
    return act();
  } finally {
    call.setfsuid(0);
    call.setfsgid(process.getegid?.() ?? 0);
  }
}
