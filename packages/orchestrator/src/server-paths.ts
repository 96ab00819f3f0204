import path from 'node:path';
import { orchestratorDirectory, orchestratorRecordFile } from './start/release.ts';

/** The four places that make up a server, as settings give them; all absolute. */
export interface ServerLocations {
  /** The parent of `modules/`; default /var/local/lib/updates. */
  modulesPath: string;
  /** Default /var/lib/homeserver-updates. */
  stateDir: string;
  /** The bare mirror; default <stateDir>/repo. */
  localRepo: string;
  /** Default /var/backups/updates. */
  backupDir: string;
}

/** Every path of a server that the orchestrator reads or writes (DESIGN: "Under /var/local/lib/updates"). */
export interface ServerPaths extends ServerLocations {
  globalIndex: string;
  /** Of legacy mode. */
  manifest: string;
  updateManager: string;
  modules: string;
  store: string;
  moduleStates: string;
  /** `releases/<version>/` and the link `current`. */
  orchestrator: string;
  lock: string;
  replaceIntent: string;
  moduleRecords: string;
  orchestratorRecord: string;
  acceptedTips: string;
  ownerChoices: string;
  runs: string;
}

export function serverPaths(locations: ServerLocations): ServerPaths {
  const { modulesPath, stateDir } = locations;
  return {
    ...locations,
    globalIndex: path.join(modulesPath, 'index.json'),
    manifest: path.join(modulesPath, 'manifest.json'),
    updateManager: path.join(modulesPath, 'updateManager.sh'),
    modules: path.join(modulesPath, 'modules'),
    store: path.join(modulesPath, 'store'),
    moduleStates: path.join(modulesPath, 'state'),
    orchestrator: orchestratorDirectory(modulesPath),
    lock: path.join(stateDir, 'lock'),
    replaceIntent: path.join(stateDir, 'replace.json'),
    moduleRecords: path.join(stateDir, 'modules.json'),
    orchestratorRecord: orchestratorRecordFile(stateDir),
    acceptedTips: path.join(stateDir, 'accepted-tips.json'),
    ownerChoices: path.join(stateDir, 'owner.json'),
    runs: path.join(stateDir, 'runs'),
  };
}
