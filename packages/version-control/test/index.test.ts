import { expect, it } from 'vitest';
import * as versionControl from '../src/index.ts';

it('the package offers these names', () => {
  expect(Object.keys(versionControl).sort()).toEqual([
    'VersionControlError',
    'checkRepositoryUrl',
    'compareVersions',
    'isNewer',
    'openMirror',
    'parseVersion',
    'readBlobs',
    'readTreeEntries',
    'showUrl',
    'stageTree',
    'stageTrees',
    'syncMirror',
    'treeIdOf',
  ]);
});
