import fs from 'node:fs';
import { missingProgram } from '@homeserver/version-control';
import { OrchestratorError } from '../errors.ts';
import type { RepositorySettings } from '../sync/sync-repository.ts';
import { requiredSigners } from '../trust/check-tip.ts';
import { DEFAULT_TRUST } from '../trust/trust-settings.ts';
import { answerOf } from './ask-program.ts';
import { error, ok, warning, type CheckResult } from './finding.ts';

/** SSH signatures came with git 2.34. */
const [LEAST_MAJOR, LEAST_MINOR] = [2, 34];

export async function checkGit(): Promise<CheckResult> {
  const version = /^git version (\d+)\.(\d+)[\d.]*/.exec((await answerOf(['git', '--version'])) ?? '');
  if (version === null) return missing('git');
  const [text, major = '0', minor = '0'] = version;
  const isOld = Number(major) < LEAST_MAJOR || (Number(major) === LEAST_MAJOR && Number(minor) < LEAST_MINOR);
  if (isOld) return error(`${text} cannot verify signatures; 2.34 can`, 'apt-get install git');
  return (await answerOf(['prlimit', '--version'])) === undefined ? missing('prlimit') : ok(text);
}

function missing(program: 'git' | 'prlimit'): CheckResult {
  const { message, hint = '' } = missingProgram(program);
  return error(message, hint);
}

/** `ssh-keygen` verifies signatures, `ssh` reaches repositories. */
export async function checkOpenssh({ url, trust = DEFAULT_TRUST }: RepositorySettings): Promise<CheckResult> {
  const version = /^OpenSSH_[^,]+/.exec(
    (await answerOf(['sh', '-c', 'command -v ssh-keygen >&2 && ssh -V 2>&1'])) ?? '',
  );
  if (version !== null) return ok(version[0]);
  const isNeeded = url.startsWith('ssh:') || /^[^/]+@[^/]+:/.test(url) || fs.existsSync(trust.allowedSigners);
  const mend = 'apt-get install openssh-client';
  return isNeeded
    ? error('ssh or ssh-keygen is not there', mend)
    : warning('ssh or ssh-keygen is not there: no signature can be verified', mend);
}

/** Whether anybody who can write to the repository can run code here. */
export function checkTrust({ url, trust = DEFAULT_TRUST }: RepositorySettings): CheckResult {
  if (url === '') return error('no repository is set', 'put {"repoUrl": "https://..."} into the settings file');
  try {
    const signers = requiredSigners(trust);
    if (signers === undefined) {
      return warning(
        'signatures are not required: whoever can write to the repository can run code here',
        'updater trust init KEY.pub',
      );
    }
    const keys = fs
      .readFileSync(signers.allowedFile, 'utf8')
      .split('\n')
      .filter((line) => /^\s*[^#\s]/.test(line));
    return keys.length === 0
      ? error(`${signers.allowedFile} names nobody: no commit can be accepted`, 'updater trust init KEY.pub')
      : ok(
          `commits must be signed by ${keys.length === 1 ? 'the one key' : `one of ${keys.length} keys`} in ${signers.allowedFile}`,
        );
  } catch (cause) {
    if (!(cause instanceof OrchestratorError)) throw cause;
    return error(cause.message, cause.hint ?? `look at ${trust.allowedSigners}`);
  }
}
