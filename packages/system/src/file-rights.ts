import { randomFill } from 'node:crypto';
import { libc } from './libc.ts';

const call = {
  setfsuid: libc.func('int setfsuid(unsigned int uid)'),
  setfsgid: libc.func('int setfsgid(unsigned int gid)'),
  capget: libc.func('int capget(uint32_t *header, _Out_ uint32_t *data)'),
  capset: libc.func('int capset(uint32_t *header, const uint32_t *data)'),
};
const NOBODY_ASKED = 0xffff_ffff; // Changes nothing, and tells the present value: setfsuid(2).
const CAPABILITY_VERSION = 0x2008_0522; // Third version of capget(2): two times effective, permitted, inheritable.
const DAC_READ_SEARCH = 1 << 2;

/**
 * Runs `act` with no more rights to change files than another user has, where a path may lead somewhere else the next moment
 * because that user owns a directory in it. What `act` makes belongs to them; what it may read is still what root may. Only
 * this thread is affected, and only while `act` runs: it must be synchronous. Without root it changes nothing.
 */
export function withFileRights<T>(uid: number, gid: number, act: () => T): T {
  if (process.geteuid?.() !== 0 || uid === 0) return act();
  randomFill(Buffer.alloc(1), () => {}); // Starts the threads of Node's pool, if there are none: they would keep what we have now.
  try {
    call.setfsgid(gid);
    call.setfsuid(uid); // Last: it takes root's capabilities away.
    if (call.setfsuid(NOBODY_ASKED) !== uid) throw new Error(`cannot take on the rights of uid ${uid} on files`);
    keepRightToRead();
    return act();
  } finally {
    call.setfsuid(0); // Gives the capabilities back.
    call.setfsgid(process.getegid?.() ?? 0);
  }
}

/** Directories above may be closed to the user: a container has another view of them. In some containers root itself has not this right. */
function keepRightToRead(): void {
  const header = new Uint32Array([CAPABILITY_VERSION, 0]);
  const sets = new Uint32Array(6);
  if (call.capget(header, sets) !== 0) return;
  sets[0] = (sets[0] as number) | DAC_READ_SEARCH;
  call.capset(header, sets);
}
