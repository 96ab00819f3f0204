import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { acquireLock, silentLogger, syncFileSystemOf } from '@homeserver/system';
import { HostProcess } from '../run/host-process.ts';
import { ORCHESTRATOR_VERSION } from '../version.ts';

const CHECK_WITHIN_MS = 60_000;

/** It uses each package that modules may import, in TypeScript, as they do. */
const MODULE = `
import { HotfixManager } from '@homeserver/hotfix-pools';
import { createLogging } from '@homeserver/logging';
import type { ModuleResult } from '@homeserver/orchestrator';
import { PermissionManager } from '@homeserver/permissions';
import { StateManager } from '@homeserver/state-manager';
import { runCommand } from '@homeserver/system';
import { parseVersion } from '@homeserver/version-control';

export async function main(_args: string[], context: { state: unknown }): Promise<ModuleResult> {
  if (!(context.state instanceof StateManager)) return { success: false, error: 'context.state is none of ours' };
  const { exitCode } = await runCommand(['true']);
  const all = [HotfixManager, createLogging, PermissionManager, parseVersion('1.0.0')];
  return { success: exitCode === 0 && all.every(Boolean), changed: false };
}
`;

/**
 * Whether this orchestrator can work on this machine: its native part, a lock, a sync, and a module in a host of its own.
 * Everything happens in a temporary directory. Throws with the reason.
 */
export async function selfCheck(): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'homeserver-updates-check-'));
  try {
    const lock = await acquireLock(path.join(directory, 'lock'), { purpose: 'self-check' });
    try {
      syncFileSystemOf(directory);
      await runTrivialModule(directory, lock.fd);
    } finally {
      lock.release();
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function runTrivialModule(directory: string, lockDescriptor: number): Promise<void> {
  const entry = path.join(directory, 'index.ts');
  fs.writeFileSync(entry, MODULE);
  const places = { stateDir: directory, backupDir: path.join(directory, 'backups'), updaterStateDir: directory };
  const request = {
    name: 'self-check',
    version: ORCHESTRATOR_VERSION,
    directory,
    entry,
    args: [],
    config: {},
    ...places,
  };
  const host = new HostProcess(`self-check-${process.pid}`, [lockDescriptor], silentLogger);
  try {
    const limits = { timeoutMs: CHECK_WITHIN_MS };
    const { result } = await host.run({ ...request, dryRun: false, retry: false }, limits, silentLogger);
    if (result === false || !result.success)
      throw new Error(`a module could not be run: ${(result && result.error) || 'it did not succeed'}`);
  } finally {
    await host.end();
  }
}
