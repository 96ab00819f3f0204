export { BoundedOutput } from './bounded-output.ts';
export { checkConfiguredPath } from './check-configured-path.ts';
export { childEnvironment, RUN_MARKER } from './child-environment.ts';
export { CodedError } from './coded-error.ts';
export { freeSpace, sureSpace } from './disk-space.ts';
export {
  makeDirectoryDurably,
  removeFileDurably,
  syncDirectory,
  syncFileSystemOf,
  writeAll,
  writeFileDurably,
  writeJsonDurably,
} from './durable-files.ts';
export { errnoName, ioError, isShortage, reasonOf, SystemError } from './errors.ts';
export { eventLine } from './event-line.ts';
export { readAttributes, removeAttribute, setAttribute } from './extended-attributes.ts';
export { withFileRights } from './file-rights.ts';
export { endRunProcesses, findRunProcesses } from './find-processes.ts';
export { clearInodeFlags, readInodeFlag } from './inode-flags.ts';
export {
  adoptOrphans,
  allocate,
  dieWithParent,
  makeFifo,
  nextData,
  setModifyTime,
  setTimes,
  tryLockExclusive,
} from './libc.ts';
export { formatLocalTime } from './local-time.ts';
export { readFileBytes, readFileText } from './read-file.ts';
export { acquireLock, currentLockHolder, isHolderGone, readLockHolder } from './lock.ts';
export { silentLogger } from './logger.ts';
export { didYouMean, hintOfKnown, nearestId, nearestName } from './nearest-name.ts';
export { openDirectory } from './open-directory.ts';
export {
  baseName,
  forFs,
  isWithin,
  joinPath,
  parentPath,
  pathFromJson,
  pathToJson,
  showPath,
  toRawPath,
} from './raw-path.ts';
export { describeClosureFailure, runClosure } from './run-closure.ts';
export { describeEnd, killGroup, runCommand } from './run-command.ts';
export { predecessors, reportStart, runSuccessor } from './run-successor.ts';
export { interpreterOf } from './script-interpreter.ts';
export { toSnakeCase, Verbatim } from './snake-case.ts';
export { startWorker } from './start-worker.ts';
export { statEntry } from './stat-entry.ts';
export { exchangePaths, readLink, switchLink } from './switch-link.ts';
export { tellLostOutput } from './tell-lost-output.ts';
export { tellingLine } from './telling-line.ts';
export { canMakeScopes, moveIntoScope, scopeOf, serviceAround } from './systemd-scope.ts';
export { isTemporaryName, removeTemporaries, temporaryName } from './temporary-name.ts';

export type { CodedErrorOptions } from './coded-error.ts';
export type { SystemErrorCode } from './errors.ts';
export type { Lock, LockHolder, LockOptions } from './lock.ts';
export type { InodeFlag } from './inode-flags.ts';
export type { Logger } from './logger.ts';
export type { OpenDirectory } from './open-directory.ts';
export type { ReadOptions } from './read-file.ts';
export type { JsonPath, RawPath } from './raw-path.ts';
export type { Closure, ClosureResult } from './run-closure.ts';
export type { Json } from './snake-case.ts';
export type { EntryStat, EntryType } from './stat-entry.ts';
export type { Worker, WorkerEnd, WorkerOptions } from './start-worker.ts';
export type { SuccessorEnd, SuccessorOptions } from './run-successor.ts';
export type { CommandOptions, CommandResult, CommandStream } from './run-command.ts';
