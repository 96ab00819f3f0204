import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as surface from '../src/index.ts';
import { scene } from './scene.ts';

it('the package exports exactly these values', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'DEFAULT_BACKUP_DIR',
    'StateCapture',
    'StateManager',
    'StateManagerError',
    'adviceToGiveUp',
    'backupModuleSimple',
    'checkBackupDirectory',
    'checkSlotName',
    'createStateManager',
    'describeProgress',
    'progressLine',
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
    'findLostChanges',
    'getBackupInfo',
    'guard',
    'hasBackup',
    'hasOpenChanges',
    'listBackupsOf',
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

const camelCase = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

describe('the names of the specification, in camel case', () => {
  it.each([
    'backup_module_state',
    'restore_module_state',
    'has_backup',
    'get_backup_info',
    'list_module_backups',
    'remove_module_backup',
  ])('a state manager has %s', (name) => {
    expect(surface.StateManager.prototype).toHaveProperty(camelCase(name), expect.any(Function));
  });

  it.each(['capture_file_state', 'capture_database_state', 'capture_service_state', 'capture_system_state'])(
    'a state capture has %s',
    (name) => {
      expect(surface.StateCapture.prototype).toHaveProperty(camelCase(name), expect.any(Function));
    },
  );

  it.each(['create_state_manager', 'backup_module_simple', 'restore_module_simple'])('the package has %s', (name) => {
    expect(surface).toHaveProperty(camelCase(name), expect.any(Function));
  });

  it('a ModuleBackupInfo has its eight fields, and the index has them as the specification writes them', async () => {
    const fields = [
      'module_name',
      'timestamp',
      'description',
      'backup_dir',
      'files',
      'services',
      'databases',
      'checksum',
    ];
    const here = scene({ f: 'x' });
    const info = await here.stateManager().backupModuleState('app', { files: [here.live], description: 'before' });
    expect(Object.keys(info)).toEqual(fields.map(camelCase));
    expect(here.stateManager().getBackupInfo('app')).toEqual(info);
    const index = JSON.parse(fs.readFileSync(`${here.backupDir}/module_backups.json`, 'utf8')) as { app: object };
    expect(Object.keys(index.app)).toEqual(fields);
  });
});
