import { DEFAULT_LOCATIONS, DEFAULT_TRUST } from '@homeserver/orchestrator/start';

/** One setting: a flag, a variable UPDATER_<NAME>, and a key of the settings file. */
interface SettingDefinition {
  /** In the settings file; `trust.require` stands for `{"trust": {"require": ...}}`. Default: the setting's name. */
  key?: string;
  /** Missing for what may be a secret: everybody on the machine can read a command line. */
  flag?: string;
  placeholder: string;
  description: string;
  /** What it may be: a path, a whole number from 0, one from 1, one of these words, the address of a server, or any text. */
  kind: 'path' | 'number' | 'count' | 'text' | 'url' | readonly string[];
  /** Undefined: there is none, or it depends on something else. */
  default: string | undefined;
}

export const settingDefinitions: Readonly<Record<SettingName, SettingDefinition>> = {
  repoUrl: {
    flag: '--repo-url',
    placeholder: 'URL',
    description: 'git repository of update modules (https, ssh, file)',
    kind: 'text',
    default: undefined,
  },
  branch: { flag: '--branch', placeholder: 'NAME', description: 'its branch', kind: 'text', default: 'main' },
  modulesPath: {
    flag: '--modules-path',
    placeholder: 'DIR',
    description: 'parent of modules/',
    kind: 'path',
    default: DEFAULT_LOCATIONS.modulesPath,
  },
  stateDir: {
    flag: '--state-dir',
    placeholder: 'DIR',
    description: 'lock, records and history',
    kind: 'path',
    default: DEFAULT_LOCATIONS.stateDir,
  },
  localRepo: {
    flag: '--local-repo',
    placeholder: 'DIR',
    description: 'bare mirror of the repository (default: repo in the state directory)',
    kind: 'path',
    default: undefined,
  },
  backupDir: {
    flag: '--backup-dir',
    placeholder: 'DIR',
    description: 'backups and open changes',
    kind: 'path',
    default: DEFAULT_LOCATIONS.backupDir,
  },
  logFile: {
    flag: '--log-file',
    placeholder: 'FILE',
    description: 'the log',
    kind: 'path',
    default: '/var/log/homeserver/updates.log',
  },
  logFormat: {
    flag: '--log-format',
    placeholder: 'FORMAT',
    description: 'lines, or json: one object a line',
    kind: ['lines', 'json'],
    default: 'lines',
  },
  logMaxMib: {
    flag: '--log-max-mib',
    placeholder: 'N',
    description: 'a log that has grown so large is numbered, and a new one begun; five are kept',
    kind: 'count',
    default: '10',
  },
  jobs: {
    flag: '--jobs',
    placeholder: 'N',
    description: 'run so many modules at a time, where their priority and dependencies allow it',
    kind: 'count',
    default: '1',
  },
  historyDays: {
    flag: '--history-days',
    placeholder: 'N',
    description: 'keep the records of runs so long',
    kind: 'number',
    default: '90',
  },
  releaseTimeout: {
    flag: '--release-timeout',
    placeholder: 'SECONDS',
    description: 'how long a new version of the updater may take to check itself',
    kind: 'number',
    default: '120',
  },
  metricsFile: {
    flag: '--metrics-file',
    placeholder: 'FILE',
    description: 'after each run, metrics for the textfile collector of Prometheus',
    kind: 'path',
    default: undefined,
  },
  notifyUrl: {
    key: 'notify.url',
    placeholder: 'URL',
    description: 'POST a JSON message there when a run failed or changed something',
    kind: 'url',
    default: undefined,
  },
  notifySmtp: {
    key: 'notify.smtp',
    placeholder: 'URL',
    description: 'mail server for such messages: smtp://user:password@host:587',
    kind: 'url',
    default: undefined,
  },
  notifyMailTo: {
    key: 'notify.mailTo',
    flag: '--notify-mail-to',
    placeholder: 'ADDRESS',
    description: 'who gets them',
    kind: 'text',
    default: undefined,
  },
  notifyMailFrom: {
    key: 'notify.mailFrom',
    flag: '--notify-mail-from',
    placeholder: 'ADDRESS',
    description: 'whom they are from (default: updater@ and the name of this machine)',
    kind: 'text',
    default: undefined,
  },
  trustRequire: {
    key: 'trust.require',
    flag: '--trust-require',
    placeholder: 'WHAT',
    description: 'signed or none (default: signed as soon as the file of allowed signers exists)',
    kind: ['signed', 'none'],
    default: undefined,
  },
  trustAllowedSigners: {
    key: 'trust.allowedSigners',
    flag: '--trust-allowed-signers',
    placeholder: 'FILE',
    description: 'whose signatures count (see: updater trust init)',
    kind: 'path',
    default: DEFAULT_TRUST.allowedSigners,
  },
  trustRevokedSigners: {
    key: 'trust.revokedSigners',
    flag: '--trust-revoked-signers',
    placeholder: 'FILE',
    description: 'keys that do not count any more',
    kind: 'path',
    default: DEFAULT_TRUST.revokedSigners,
  },
  trustMaxMajorJump: {
    key: 'trust.maxMajorJump',
    flag: '--trust-max-major-jump',
    placeholder: 'N',
    description: 'refuse a module that goes up more major versions at once',
    kind: 'number',
    default: String(DEFAULT_TRUST.maxMajorJump),
  },
  trustMaxAgeDays: {
    key: 'trust.maxAgeDays',
    flag: '--trust-max-age-days',
    placeholder: 'N',
    description: 'warn when the repository has not moved for longer',
    kind: 'number',
    default: String(DEFAULT_TRUST.maxAgeDays),
  },
};

export interface Settings {
  /** Empty when none is set: only commands that need it complain. */
  repoUrl: string;
  branch: string;
  modulesPath: string;
  stateDir: string;
  localRepo: string;
  backupDir: string;
  logFile: string;
  logFormat: 'lines' | 'json';
  logMaxMib: number;
  jobs: number;
  historyDays: number;
  /** In seconds; also for its start. */
  releaseTimeout: number;
  metricsFile?: string;
  notifyUrl?: string;
  notifySmtp?: string;
  notifyMailTo?: string;
  notifyMailFrom?: string;
  /** Undefined: it depends on whether the file of allowed signers exists. */
  trustRequire?: 'signed' | 'none';
  trustAllowedSigners: string;
  trustRevokedSigners: string;
  trustMaxMajorJump: number;
  trustMaxAgeDays: number;
}

export type SettingName = keyof Settings;

export const settingNames: readonly SettingName[] = Object.keys(settingDefinitions) as SettingName[];

/** Its key in the settings file. */
export function keyOf(name: SettingName): string {
  return settingDefinitions[name].key ?? name;
}

/** UPDATER_REPO_URL for repoUrl. */
export function variableName(name: SettingName): string {
  return `UPDATER_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
