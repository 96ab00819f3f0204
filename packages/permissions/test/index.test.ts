import { expect, it } from 'vitest';
import * as permissions from '../src/index.ts';

it('the package offers these names', () => {
  expect(Object.keys(permissions).sort()).toEqual([
    'Accounts',
    'PermissionError',
    'PermissionManager',
    'createModulePermissionTargets',
    'createServicePermissionTargets',
    'describeChange',
    'fixCommonServicePermissions',
    'formatMode',
    'parseMode',
    'restoreServicePermissionsSimple',
  ]);
});
