import path from 'node:path';

/** A release of the orchestrator on this server. */
export interface Release {
  version: string;
  /** Absolute. */
  directory: string;
}

/** The file of a release that exports `version`, `selfCheck` and `main`. */
export const RELEASE_ENTRY = 'index.mjs';

/** `<modulesPath>/orchestrator`: `releases/<version>/` and the link `current`. */
export function orchestratorDirectory(modulesPath: string): string {
  return path.join(modulesPath, 'orchestrator');
}

export function releaseDirectory(modulesPath: string, version: string): string {
  return path.join(orchestratorDirectory(modulesPath), 'releases', version);
}

/** What is remembered about releases; see self-update/orchestrator-record.ts. */
export function orchestratorRecordFile(stateDir: string): string {
  return path.join(stateDir, 'orchestrator.json');
}
