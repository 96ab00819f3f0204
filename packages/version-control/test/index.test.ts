import { expect, it } from 'vitest';
import * as versionControl from '../src/index.ts';

it('the package offers these names', () => {
  expect(Object.keys(versionControl).sort()).toEqual([
    'VersionControlError',
    'checkRepositoryUrl',
    'chooseVersion',
    'commitDirectory',
    'compareVersions',
    'createModuleTag',
    'describeFetch',
    'describeReceived',
    'findDamage',
    'formatModuleTag',
    'isAncestor',
    'isNewer',
    'listModuleVersions',
    'missingProgram',
    'openMirror',
    'parseModuleTag',
    'parseVersion',
    'readBlobs',
    'readCommit',
    'readTreeEntries',
    'resolveVersion',
    'showUrl',
    'stageTree',
    'stageTrees',
    'syncMirror',
    'syncModuleTags',
    'treeIdOf',
    'verifyCommit',
    'withBundle',
  ]);
});
