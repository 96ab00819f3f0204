import { describe, expect, it } from 'vitest';
import { StateManager } from '../src/index.ts';
import type { BackupRequest, GuardRequest } from '../src/request.ts';
import { scene } from './scene.ts';

/* Module authors write JavaScript too: what has a wrong type gets one clear line, before anything is touched. */

const wrong = <T>(value: unknown): T => value as T;
const ours = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ name: 'StateManagerError', code, message: expect.stringMatching(message) as string });

describe('a wrong request', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /^cannot capture app: .*expected object/],
    ['undefined', undefined, /expected object/],
    ['files as text', { files: '/etc/hosts' }, /^cannot capture app: files: .*expected array/],
    ['files as null', { files: null }, /files: .*expected array/],
    ['a file as a number', { files: ['/a', 7] }, /files\.1: a path is a string or bytes/],
    ['services as text', { services: 'nginx' }, /services: .*expected array/],
    ['a description that is none', { description: 5 }, /description: .*expected string/],
    ['keep as text', { keep: '3' }, /keep: .*expected number/],
    ['keep 0', { keep: 0 }, /keep: /],
    ['keep 1.5', { keep: 1.5 }, /keep: /],
  ])('for a backup: %s', async (_, request, message) => {
    await expect(scene().stateManager().backupModuleState('app', wrong<BackupRequest>(request))).rejects.toThrow(
      ours('invalid-request', message),
    );
  });

  it.each<[string, unknown, unknown, RegExp]>([
    ['null', null, async () => {}, /expected object/],
    ['afterRestore as text', { afterRestore: 'npm run build' }, async () => {}, /afterRestore/],
    ['no change', {}, undefined, /^cannot guard app: the change must be a function$/],
    ['a promise in place of a function', {}, Promise.resolve(), /must be a function/],
  ])('for a guard: %s', async (_, request, change, message) => {
    const guarding = scene()
      .stateManager()
      .guard('app', wrong<GuardRequest>(request), wrong<() => Promise<void>>(change));
    await expect(guarding).rejects.toThrow(ours('invalid-request', message));
  });
});

describe('a wrong name', () => {
  it.each([undefined, null, 7, {}, '', 'A', '../x', 'a/b', '-a', 'a b', 'a\n', 'x'.repeat(65)])('%j', async (name) => {
    const state = scene().stateManager();
    const refused = ours('invalid-name', /^cannot use .* as a backup name$/);
    const slot = wrong<string>(name);
    await expect(state.backupModuleState(slot, {})).rejects.toThrow(refused);
    await expect(state.restoreModuleState(slot)).rejects.toThrow(refused);
    await expect(state.guard(slot, {}, async () => {})).rejects.toThrow(refused);
    await expect(state.removeModuleBackup(slot)).rejects.toThrow(refused);
    await expect(state.verifyModuleBackup(slot)).rejects.toThrow(refused);
    expect(() => state.hasBackup(slot)).toThrow(refused);
    expect(() => state.getBackupInfo(slot)).toThrow(refused);
  });
});

describe('wrong options', () => {
  it.each<[string, unknown, string, RegExp]>([
    [
      'a relative backup directory',
      { backupDir: 'backups' },
      'invalid-path',
      /^the backup directory must be an absolute path, not "backups"$/,
    ],
    ['a backup directory that is no text', { backupDir: 7 }, 'invalid-path', /^the backup directory .* not 7$/],
    [
      'a relative state directory',
      { stateDir: './state' },
      'invalid-path',
      /^the state directory must be an absolute path/,
    ],
    ['a session with a lock of its own', { session: 'app' }, 'invalid-request', /^a session needs an inherited lock$/],
  ])('%s', (_, options, code, message) => {
    expect(() => new StateManager(wrong<object>(options))).toThrow(ours(code, message));
  });

  it('a path that is not normal is normalised', () => {
    expect(new StateManager({ backupDir: '/var//backups/./x/../updates/' }).backupDir).toBe('/var/backups/updates');
  });
});
