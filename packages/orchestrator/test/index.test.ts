import { expect, it } from 'vitest';
import * as orchestrator from '../src/index.ts';

it('the package offers these names', () => {
  expect(Object.keys(orchestrator).sort()).toEqual([
    'ORCHESTRATOR_VERSION',
    'OrchestratorError',
    'applyModulePermissions',
    'checkForUpdates',
    'checkModulePermissions',
    'findRunRecord',
    'isModuleName',
    'openServer',
    'outcomeOf',
    'readRunRecords',
    'readStatus',
    'recover',
    'restore',
    'update',
  ]);
});
