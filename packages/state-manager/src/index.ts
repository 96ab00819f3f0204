export { checkBackupDirectory } from './backup-directory.ts';
export { DEFAULT_BACKUP_DIR } from './engine.ts';
export { StateManagerError } from './errors.ts';
export { describeProgress, progressLine } from './progress-line.ts';
export { adviceToGiveUp } from './give-up.ts';
export { checkSlotName } from './slot-name.ts';
export { backupModuleSimple, createStateManager, restoreModuleSimple } from './shortcuts.ts';
export { StateCapture } from './snapshots/state-capture.ts';
export { StateManager } from './state-manager.ts';

export type { BackupGeneration } from './backup-generations.ts';
export type { ModuleBackupInfo } from './backup-index.ts';
export type { StateManagerOptions } from './engine.ts';
export type { StateManagerErrorCode } from './errors.ts';
export type { GuardOutcome } from './guard-outcome.ts';
export type { DamagedIntent } from './journal.ts';
export type { LostChange } from './lost-changes.ts';
export type { OperationInfo } from './operations/list-operations.ts';
export type { NewOperation, OperationRecorder } from './operations/record-operation.ts';
export type { RollbackRequest } from './operations/roll-back-operations.ts';
export type { UndoneOperation } from './operations/undo-operations.ts';
export type { RecoveryReport } from './recover-changes.ts';
export type { BackupRequest, GuardRequest, WantedState } from './request.ts';
export type { OnProgress, Progress } from './progress.ts';
export type { ProgressLine, ProgressTerminal } from './progress-line.ts';
export type { RestoreReport } from './restore-backup.ts';
export type { SnapshotInfo, SnapshotType } from './snapshots/snapshot-info.ts';
export type { ProgressEvent, VerifyEvent } from './state-event.ts';
export type { SystemRecord } from './snapshots/system-record.ts';
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
