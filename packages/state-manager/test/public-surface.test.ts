import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('the package exports exactly these values', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'DEFAULT_BACKUP_DIR',
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
    'recover',
    'removeModuleBackup',
    'restoreModuleState',
    'tidy',
    'undoRun',
    'verifyModuleBackup',
  ]);
});

it('the shortcuts work on the default directory', () => {
  expect(surface.createStateManager().backupDir).toBe(surface.DEFAULT_BACKUP_DIR);
  expect(surface.createStateManager('/srv/backups').backupDir).toBe('/srv/backups');
});
