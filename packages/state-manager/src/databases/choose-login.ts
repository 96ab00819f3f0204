import { StateManagerError } from '../errors.ts';

/** What is being done, for errors. */
export type Purpose = 'capture' | 'restore';

/** A server as one login sees it. */
export interface LoginCandidate {
  readonly address: string;
  readonly purpose: Purpose;
  /** Why the server does not let us in; undefined when it does. */
  refusal(): Promise<Error | undefined>;
  /** Two logins that see the same are on the same server. */
  identity(): Promise<string>;
  /** Whether it may do all that a restore takes. */
  mayRestore(): Promise<boolean>;
}

/**
 * As whom we speak to a server.
 *
 * 1. A password, or a server elsewhere: the login must work as the document has it. (A restore prefers a way in to being right
 *    about the password.)
 * 2. Root, on the server's own machine, then works as its administrator, whom the server knows at its socket without a
 *    password: only the administrator can put everything back (extensions, owners, definers). After a login as in 1, both
 *    must reach the same server.
 * 3. Where there is no such administrator, the document's own login does it, if it has the rights for a restore; a capture that
 *    could not be put back is refused.
 */
export async function chooseLogin<Candidate extends LoginCandidate>(
  asked: Candidate,
  administrators: readonly Candidate[],
  hasPassword: boolean,
): Promise<Candidate> {
  const isAskedFirst = hasPassword || administrators.length === 0;
  const refusal = isAskedFirst ? await asked.refusal() : undefined;
  if (refusal !== undefined && asked.purpose === 'capture') throw refusal;
  const known = isAskedFirst && refusal === undefined ? await asked.identity() : undefined;
  for (const administrator of administrators) {
    if ((await administrator.refusal()) !== undefined) continue;
    if (known === undefined || (await administrator.identity()) === known) return administrator;
  }
  const answer = isAskedFirst ? refusal : await asked.refusal();
  if (answer !== undefined) throw answer;
  if (await asked.mayRestore()) return asked;
  const { purpose, address } = asked;
  throw new StateManagerError(
    `cannot-${purpose}`,
    `cannot ${purpose} ${address}: this login has not the rights to put the database back`,
    { hint: 'give one that owns the database and may create others, or, as root on its machine, none at all' },
  );
}
