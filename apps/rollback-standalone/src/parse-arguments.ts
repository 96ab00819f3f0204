import { parseArgs, type ParseArgsConfig } from 'node:util';
import { hintOfFlags } from './hint-of-flags.ts';
import { UsageError } from './usage-error.ts';

export type Command =
  | { name: 'help' }
  | { name: 'version' }
  | { name: 'schema' }
  | { name: 'list-backups' }
  | { name: 'list-snapshots' }
  /** `id`: of an older backup, or the beginning of it; without one, the newest. */
  | { name: 'restore-backup'; module: string; id: string | undefined }
  | { name: 'restore-snapshot'; id: string }
  | { name: 'rollback-log'; file: string }
  /** Without a module: every backup and snapshot. */
  | { name: 'verify'; module: string | undefined }
  | { name: 'recover' };

export interface Arguments {
  command: Command;
  backupDir: string | undefined;
  stateDir: string | undefined;
  targetRoot: string | undefined;
  displacedDir: string | undefined;
  yes: boolean;
  /** The answer as JSON. */
  json: boolean;
  /** Events before it, too. */
  jsonLines: boolean;
}

const options = {
  'list-backups': { type: 'boolean' },
  'list-snapshots': { type: 'boolean' },
  'restore-backup': { type: 'string' },
  'restore-snapshot': { type: 'string' },
  'rollback-log': { type: 'string' },
  verify: { type: 'boolean' },
  recover: { type: 'boolean' },
  id: { type: 'string' },
  'backup-dir': { type: 'string' },
  'state-dir': { type: 'string' },
  'target-root': { type: 'string' },
  'displaced-dir': { type: 'string' },
  yes: { type: 'boolean', short: 'y' },
  json: { type: 'boolean' },
  'json-lines': { type: 'boolean' },
  schema: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

const commandNames = [
  'list-backups',
  'list-snapshots',
  'restore-backup',
  'restore-snapshot',
  'rollback-log',
  'verify',
  'recover',
] as const;

/** The command line as data. Throws UsageError for whatever does not say exactly one thing. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals, tokens } = parse(args);
  const given = tokens.flatMap((token) => (token.kind === 'option' ? token.name : []));
  const twice = given.find((name, at) => given.indexOf(name) !== at);
  if (twice !== undefined) throw wrong(`--${twice} was given twice`);
  const empty = Object.entries(values).find(([, value]) => value === '');
  if (empty !== undefined) throw wrong(`--${empty[0]} needs a value`);
  return {
    command: commandOf(values, positionals),
    backupDir: values['backup-dir'],
    stateDir: values['state-dir'],
    targetRoot: values['target-root'],
    displacedDir: values['displaced-dir'],
    yes: values.yes ?? false,
    json: values.json ?? values['json-lines'] ?? false,
    jsonLines: values['json-lines'] ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true });
  } catch (error) {
    throw mistake(error as NodeJS.ErrnoException);
  }
}

/** Node's own texts are long, and differ from version to version. */
function mistake(error: NodeJS.ErrnoException): UsageError {
  const { code, message } = error;
  const option = /--?[\w-]+/.exec(message)?.[0] ?? message;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    return wrong(`there is no option ${option}`, { hint: hintOfFlags(option, Object.keys(options)), cause: error });
  }
  const what = message.includes('does not take') ? 'takes no value' : 'needs a value';
  return wrong(`${option} ${what}`, { cause: error });
}

function commandOf(values: ReturnType<typeof parse>['values'], positionals: readonly string[]): Command {
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  if (values.schema) return { name: 'schema' };
  const names = commandNames.filter((name) => values[name] !== undefined);
  const [name] = names;
  if (name === undefined) throw wrong('what is to be done?', { hint: hintOfFlags(positionals[0] ?? '', commandNames) });
  if (names.length > 1) throw wrong(`one thing at a time: ${names.map((one) => `--${one}`).join(' or ')}`);
  const [module, second] = positionals;
  const surplus = name === 'verify' ? second : module;
  if (surplus !== undefined) throw wrong(`cannot use ${JSON.stringify(surplus)} here`);
  if (values.id !== undefined && name !== 'restore-backup') throw wrong('--id goes with --restore-backup only');
  switch (name) {
    case 'verify':
      return { name, module };
    case 'restore-backup':
      return { name, module: values[name] ?? '', id: values.id };
    case 'restore-snapshot':
      return { name, id: values[name] ?? '' };
    case 'rollback-log':
      return { name, file: values[name] ?? '' };
    default:
      return { name };
  }
}

function wrong(message: string, more: { hint?: string; cause?: unknown } = {}): UsageError {
  return new UsageError(message, { hint: 'see: rollback-standalone --help', ...more });
}
