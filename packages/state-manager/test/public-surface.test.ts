import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('the package exports exactly these values', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'DEFAULT_BACKUP_DIR',
    'StateCapture',
    'StateManager',
    'StateManagerError',
    'backupModuleSimple',
    'checkSlotName',
    'createStateManager',
    'restoreModuleSimple',
  ]);
});

it('a state manager offers exactly these', () => {
  expect(Object.getOwnPropertyNames(surface.StateManager.prototype).sort()).toEqual([
    'attempt',
    'backupDir',
    'backupModuleState',
    'commitRun',
    'constructor',
    'getBackupInfo',
    'guard',
    'hasBackup',
    'hasOpenChanges',
    'listModuleBackups',
    'listOperations',
    'recover',
    'removeModuleBackup',
    'restoreModuleState',
    'rollBackOperations',
    'snapshots',
    'tidy',
    'undoRun',
    'verifyModuleBackup',
  ]);
});

it('a state capture offers exactly these', () => {
  expect(Object.getOwnPropertyNames(surface.StateCapture.prototype).sort()).toEqual([
    'captureDatabaseState',
    'captureFileState',
    'captureServiceState',
    'captureSystemState',
    'constructor',
    'getSnapshot',
    'listSnapshots',
    'removeSnapshot',
    'restoreSnapshot',
    'verifySnapshot',
  ]);
});

it('the shortcuts work on the default directory', () => {
  expect(surface.createStateManager().backupDir).toBe(surface.DEFAULT_BACKUP_DIR);
  expect(surface.createStateManager('/srv/backups').backupDir).toBe('/srv/backups');
});
