export { StateManagerError } from './errors.ts';
export { checkSlotName } from './slot-name.ts';
export { backupModuleSimple, createStateManager, restoreModuleSimple } from './shortcuts.ts';
export { DEFAULT_BACKUP_DIR, StateManager } from './state-manager.ts';

export type { ModuleBackupInfo } from './backup-index.ts';
export type { StateManagerErrorCode, StateManagerErrorOptions } from './errors.ts';
export type { GuardOutcome } from './guard-outcome.ts';
export type { DamagedIntent } from './journal.ts';
export type { BackupRequest, GuardRequest, WantedState } from './request.ts';
export type { RestoreReport } from './restore-backup.ts';
export type { RecoveryReport, StateManagerOptions } from './state-manager.ts';
export type {
  CaptureContext,
  Claim,
  PreparedRestore,
  RestoreContext,
  SourceReport,
  StateKind,
  StateSource,
} from './state-source.ts';
export type { Undone } from './undo.ts';
