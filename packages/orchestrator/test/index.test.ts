import { expect, it } from 'vitest';
import * as orchestrator from '../src/index.ts';

it('the package offers these names', () => {
  expect(Object.keys(orchestrator).sort()).toEqual([
    'DEFAULT_TRUST',
    'ORCHESTRATOR_VERSION',
    'OrchestratorError',
    'applyModulePermissions',
    'checkForUpdates',
    'checkModulePermissions',
    'checkoutLastSafe',
    'checkoutModuleVersion',
    'findRunRecord',
    'hold',
    'hotfixesOf',
    'isModuleName',
    'moduleVersions',
    'openServer',
    'outcomeOf',
    'readRunRecords',
    'readStatus',
    'recover',
    'removeModule',
    'setModuleEnabled',
    'setModuleSetting',
    'stateOfModule',
    'underLock',
    'unhold',
    'update',
    'why',
  ]);
});
