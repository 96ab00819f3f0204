import path from 'node:path';
import { HotfixManager } from '@homeserver/hotfix-pools';
import { installedModule } from './hold.ts';
import type { Server } from './server.ts';

/** The hotfixes of an installed module, as its own run applies them. Throws OrchestratorError 'usage' for one that is not here. */
export function hotfixesOf(server: Server, module: string): HotfixManager {
  const { directory } = installedModule(server, module);
  const stateDir = path.join(server.paths.moduleStates, module);
  return new HotfixManager(directory, { state: server.state, stateDir, logger: server.logFor(module) });
}
