import { breachesOfGitPolicy } from './git-policy.ts';
import { nameOf, type ProgramStart } from './program-starts.ts';
import { showsSecret } from './unguessable.ts';

/** Characters of a call of git. */
const MOST_SHOWN = 200;

/** What the starts of all programs of a test run say about the program. */
export interface Judgement {
  /** A line for each breach: of the policy for git, or a secret that everybody could read. */
  breaches: string[];
  /** Programs that tests, or what they test, have started. */
  starts: number;
  /** Calls of git by the program, by the package whose tests they come from. */
  gitCalls: Map<string, number>;
}

/** Set for a git that is a maintainer's, an attacker's or a test's own. The program hands nothing of the kind on to its git. */
export const MAINTAINER = 'HOMESERVER_MAINTAINER';

/**
 * Judges all that ran below a vitest. A call of git is the program's unless it says otherwise (`MAINTAINER`), or another git
 * made it: git calls itself.
 */
export function judgePrograms(starts: readonly ProgramStart[]): Judgement {
  const judgement: Judgement = { breaches: [], starts: 0, gitCalls: new Map() };
  for (const start of starts) {
    const ancestors = ancestorsOf(start);
    const vitest = ancestors.find(isVitest);
    if (vitest === undefined) continue;
    judgement.starts += 1;
    const where = vitest.cwd.split('/').slice(-2).join('/');
    const secret = start.argv.find(showsSecret);
    if (secret !== undefined) judgement.breaches.push(`${where}: ${nameOf(start)} shows a secret in its arguments`);
    if (!isOwnGit(start, ancestors)) continue;
    judgement.gitCalls.set(where, (judgement.gitCalls.get(where) ?? 0) + 1);
    const call = start.argv.filter((word, at) => word !== '-c' && start.argv[at - 1] !== '-c').join(' ');
    for (const breach of breachesOfGitPolicy(start.argv, start.environment))
      judgement.breaches.push(`${where}: ${call.slice(0, MOST_SHOWN)}: ${breach}`);
  }
  return judgement;
}

function isOwnGit(start: ProgramStart, ancestors: readonly ProgramStart[]): boolean {
  const isGits = ancestors.some((ancestor) => nameOf(ancestor) === 'git');
  return nameOf(start) === 'git' && !isGits && !(MAINTAINER in start.environment);
}

/** From the nearest one up to vitest, or to the first of all. */
function ancestorsOf(start: ProgramStart): ProgramStart[] {
  const ancestors: ProgramStart[] = [];
  for (let at = start.startedBy; at !== undefined; at = at.startedBy) {
    ancestors.push(at);
    if (isVitest(at)) break;
  }
  return ancestors;
}

/** `node .../vitest.mjs run`; not the tests that `testsOnServer` runs with another one. */
function isVitest({ argv }: ProgramStart): boolean {
  return /\/vitest(\.mjs)?$/.test(argv[1] ?? '');
}
