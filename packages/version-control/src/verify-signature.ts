import fs from 'node:fs';
import { askMirror } from './ask-mirror.ts';
import { VersionControlError } from './errors.ts';
import type { Mirror } from './mirror.ts';
import { readCommit, readObject } from './commit.ts';
import { checkObjectId } from './ref-name.ts';
import { lastWords } from './run-git.ts';

/** Whose signatures count: files in the formats of ssh-keygen(1), outside of any repository. */
export interface Signers {
  /** ALLOWED SIGNERS. */
  allowedFile: string;
  /** Revoked keys, one public key a line, or a KRL; none when it does not exist. */
  revokedFile?: string;
}

/**
 * Checks that the commit is signed by one of the allowed keys, and by no revoked one. The decision is git's exit status:
 * its text says "Good signature" for an unknown key too. Throws 'untrusted', 'not-found'.
 */
export async function verifyCommit(mirror: Mirror, commit: string, signers: Signers): Promise<void> {
  const { isSigned } = await readCommit(mirror, commit);
  if (!isSigned) throw untrusted(`the commit ${commit}`, 'it has no signature', signers);
  await verify(mirror, 'commit', commit, signers);
}

/** What a signed tag says of itself. */
export interface TagObject {
  /** The tag's own name: a ref can be renamed, this cannot. */
  name: string;
  /** The commit it was made for. */
  commit: string;
}

/** Reads a tag object, whether signed or not. Throws 'not-found', or 'untrusted' when it names no commit. */
export async function readTagObject(mirror: Mirror, id: string): Promise<TagObject> {
  const [header = ''] = (await readObject(mirror, 'tag', id)).split('\n\n');
  const [, commit, type, name] = /^object ([0-9a-f]+)\ntype (\w+)\ntag ([^\n]+)$/m.exec(header) ?? [];
  if (commit !== undefined && type === 'commit' && name !== undefined) return { name, commit };
  throw new VersionControlError('untrusted', `refused the tag object ${id}: it does not name a commit`);
}

/** As `verifyCommit`, for a tag object by its id. That it is the tag it is called, the caller checks with `readTagObject`. */
export async function verifyTag(mirror: Mirror, id: string, signers: Signers): Promise<void> {
  await verify(mirror, 'tag', checkObjectId(id), signers);
}

/** A signature of another kind than SSH is no reason to start a program: it does not count. */
const programs = ['gpg.ssh.program=ssh-keygen', 'gpg.program=false', 'gpg.x509.program=false'];

async function verify(mirror: Mirror, kind: 'commit' | 'tag', id: string, signers: Signers): Promise<void> {
  const { allowedFile, revokedFile } = signers;
  const hasRevoked = revokedFile !== undefined && fs.existsSync(revokedFile);
  const settings = [
    ...programs,
    `gpg.ssh.allowedSignersFile=${allowedFile}`,
    ...(hasRevoked ? [`gpg.ssh.revocationFile=${revokedFile}`] : []),
  ];
  const result = await askMirror(mirror, [`verify-${kind}`, '--raw', '--end-of-options', id], { settings });
  if (result.exitCode === 0) return;
  throw untrusted(`the ${kind} ${id}`, lastWords(result.stderr), signers);
}

function untrusted(what: string, found: string, { allowedFile }: Signers): VersionControlError {
  return new VersionControlError(
    'untrusted',
    `refused ${what}: ${found}; expected is a signature by a key in ${allowedFile}`,
    {
      hint: 'ask the maintainer; if the key is new and right, add its line there',
    },
  );
}
