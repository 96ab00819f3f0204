import fs from 'node:fs';
import path from 'node:path';
import type { ModuleContext } from '@homeserver/orchestrator';
import { PermissionManager } from '@homeserver/permissions';
import { StateManager } from '@homeserver/state-manager';
import { runCommand } from '@homeserver/system';

export interface TestContext extends ModuleContext {
  /** What the module said, "level: message". */
  readonly said: string[];
}

/** What the updater would hand to the module, with everything below `directory`. */
export function moduleContext(
  directory: string,
  config: Record<string, unknown>,
  overrides: Partial<ModuleContext> = {},
): TestContext {
  const said: string[] = [];
  const say = (level: string) => (message: string) => void said.push(`${level}: ${message}`);
  const stateDir = path.join(directory, 'state');
  fs.mkdirSync(stateDir, { recursive: true });
  return {
    name: 'adblock',
    version: '1.0.0',
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    config,
    stateDir,
    state: new StateManager({ backupDir: path.join(directory, 'backups') }),
    once: async () => false,
    permissions: new PermissionManager('adblock'),
    run: runCommand,
    signal: new AbortController().signal,
    dryRun: false,
    retry: false,
    ...overrides,
    said,
  };
}
