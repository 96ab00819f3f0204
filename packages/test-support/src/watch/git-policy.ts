/*
 * What every call of git by the program must look like. It says again, in its own words, what version-control does: a rule
 * that is lost there must be missed here.
 */

/** Each of them is given with `-c`. */
export const gitSettings: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=false',
  'core.attributesFile=/dev/null',
  'filter.lfs.smudge=',
  'filter.lfs.process=',
  'credential.helper=',
  'submodule.recurse=false',
  'protocol.ext.allow=never',
  'transfer.fsckObjects=true',
  'transfer.bundleURI=false',
  'fetch.unpackLimit=1',
  'gc.auto=0',
  'core.fsync=all',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=60',
];

/** Each of them is in the environment. */
export const gitVariables: readonly (readonly [name: string, value: string])[] = [
  ['LC_ALL', 'C'],
  ['GIT_CONFIG_NOSYSTEM', '1'],
  ['GIT_ATTR_NOSYSTEM', '1'],
  ['GIT_TERMINAL_PROMPT', '0'],
  ['GIT_ASKPASS', 'true'],
  ['GIT_NO_REPLACE_OBJECTS', '1'],
  ['GIT_GRAFT_FILE', '/dev/null'],
  ['GIT_NO_LAZY_FETCH', '1'],
  ['GIT_OPTIONAL_LOCKS', '0'],
];

/** GIT_TEST_...: set by simple-git, so that nobody can hide an option behind an abbreviation of it. */
const moreVariables =
  /^GIT_(ALLOW_PROTOCOL|CONFIG_GLOBAL|CONFIG_COUNT|CONFIG_(KEY|VALUE)_\d+|DIR|SSH_COMMAND|TEST_DISALLOW_ABBREVIATED_OPTIONS)$/;
const steering = /^(GIT_|LD_|NODE_|PG|MYSQL|SSH_|BASH_ENV$|ENV$|PERL|PYTHON)/;
const remoteCommands = new Set(['fetch', 'ls-remote']);

/** The command among the arguments of a call of git, e.g. `fetch`; empty when there is none. */
export function gitCommand(argv: readonly string[]): string {
  return argv.find((word, at) => at > 0 && !word.startsWith('-') && argv[at - 1] !== '-c') ?? '';
}

/** How a call of git (with `git` as its first argument) breaks the policy, a line each; nothing when it keeps it. */
export function breachesOfGitPolicy(argv: readonly string[], environment: Readonly<Record<string, string>>): string[] {
  if (argv.slice(1).join(' ') === '--version') return []; // It looks at nothing.
  const command = gitCommand(argv);
  const breaches: string[] = [];
  const must = (holds: boolean, what: string): void => void (holds || breaches.push(what));
  // It reads three files that it is given, and has neither a repository nor a remote.
  const isOnFiles = command === 'merge-file';
  if (!isOnFiles) {
    const given = new Set(argv.slice(0, argv.indexOf(command)).filter((_, at) => argv[at - 1] === '-c'));
    for (const setting of gitSettings) must(given.has(setting), `is not given -c ${setting}`);
    const end = argv.indexOf('--end-of-options');
    const before = argv.slice(argv.indexOf(command) + 1, end < 0 ? argv.length : end);
    const values = before.filter((word) => !word.startsWith('-'));
    const own = command === 'bundle' ? ['list-heads'] : [];
    const takesValues = command !== 'cat-file'; // It is asked on stdin.
    must(!takesValues || values.join(' ') === own.join(' '), 'has a value before --end-of-options');
  }
  must(
    'GIT_DIR' in environment || argv.some((word) => word.startsWith('--git-dir=')),
    'does not say which repository is meant',
  );
  const variables = isOnFiles ? gitVariables.slice(0, 2) : gitVariables;
  for (const [name, value] of variables) must(environment[name] === value, `does not have ${name}=${value}`);
  const reaches = remoteCommands.has(command);
  must(
    isOnFiles ||
      (reaches ? ['file', 'https', 'http', 'ssh'] : ['none']).includes(environment['GIT_ALLOW_PROTOCOL'] ?? ''),
    `may use the protocol ${environment['GIT_ALLOW_PROTOCOL']}`,
  );
  must(
    environment['GIT_CONFIG_GLOBAL'] === '/dev/null' || (reaches && environment['GIT_CONFIG_GLOBAL'] !== undefined),
    'reads the settings of a user',
  );
  must(
    !reaches || environment['GIT_SSH_COMMAND']?.startsWith('ssh -oBatchMode=yes ') === true,
    'lets ssh ask a person',
  );
  must(environment['HOME'] !== undefined, 'has no HOME');
  must(
    (environment['PATH'] ?? '').split(':').every((part) => part.startsWith('/')),
    `has a relative directory in PATH`,
  );
  for (const name of Object.keys(environment))
    must(!steering.test(name) || moreVariables.test(name) || isRequired(name), `is handed ${name} from outside`);
  return breaches;
}

function isRequired(name: string): boolean {
  return gitVariables.some(([required]) => required === name);
}
