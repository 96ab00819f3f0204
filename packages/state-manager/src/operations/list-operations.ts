import { pathFromJson, showPath } from '@homeserver/system';
import type { Engine } from '../engine.ts';
import { OperationLog, type LoggedOperation } from './operation-log.ts';

/** An operation in the log, for people. */
export interface OperationInfo {
  id: string;
  type: LoggedOperation['type'];
  target: string | undefined;
  slot: string;
  backupId: string;
  /** Unix seconds. */
  time: number;
  outcome: 'begun' | 'applied' | 'failed' | 'rolled-back';
  hasRollbackScript: boolean;
}

export function listOperations({ operations, paths }: Engine, file?: string): OperationInfo[] {
  const log = file === undefined ? operations : new OperationLog(file, paths.operationsLock);
  return log.read().map(({ id, type, target, backup, rollback_script, time, outcome }) => ({
    id,
    type,
    target: target === null ? undefined : showPath(pathFromJson(target)),
    slot: backup.slot,
    backupId: backup.id,
    time,
    outcome: outcome === 'rolled_back' ? 'rolled-back' : outcome,
    hasRollbackScript: rollback_script !== null,
  }));
}
