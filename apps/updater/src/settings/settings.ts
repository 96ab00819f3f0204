/** One setting: a flag, a variable UPDATER_<NAME>, and a key of the settings file. */
interface SettingDefinition {
  flag: string;
  placeholder: string;
  description: string;
  isPath: boolean;
  /** Undefined: there is none, or it depends on another setting. */
  default: string | undefined;
}

export const settingDefinitions: Readonly<Record<SettingName, SettingDefinition>> = {
  repoUrl: {
    flag: '--repo-url',
    placeholder: 'URL',
    description: 'git repository of update modules (https, ssh, file)',
    isPath: false,
    default: undefined,
  },
  branch: { flag: '--branch', placeholder: 'NAME', description: 'its branch', isPath: false, default: 'main' },
  modulesPath: {
    flag: '--modules-path',
    placeholder: 'DIR',
    description: 'parent of modules/',
    isPath: true,
    default: '/var/local/lib/updates',
  },
  stateDir: {
    flag: '--state-dir',
    placeholder: 'DIR',
    description: 'lock, records and history',
    isPath: true,
    default: '/var/lib/homeserver-updates',
  },
  localRepo: {
    flag: '--local-repo',
    placeholder: 'DIR',
    description: 'bare mirror of the repository (default: repo in the state directory)',
    isPath: true,
    default: undefined,
  },
  backupDir: {
    flag: '--backup-dir',
    placeholder: 'DIR',
    description: 'backups and open changes',
    isPath: true,
    default: '/var/backups/updates',
  },
  logFile: {
    flag: '--log-file',
    placeholder: 'FILE',
    description: 'the log',
    isPath: true,
    default: '/var/log/homeserver/updates.log',
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
}

export type SettingName = keyof Settings;

export const settingNames: readonly SettingName[] = Object.keys(settingDefinitions) as SettingName[];

/** UPDATER_REPO_URL for repoUrl. */
export function variableName(name: SettingName): string {
  return `UPDATER_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
