export { compareVersions, isNewer, parseVersion } from './compare-versions.ts';
export { VersionControlError } from './errors.ts';
export { openMirror } from './mirror.ts';
export { readBlobs, readTreeEntries } from './read-objects.ts';
export { checkRepositoryUrl, showUrl } from './repository-url.ts';
export { stageTree, stageTrees } from './stage-trees.ts';
export { syncMirror } from './sync-mirror.ts';
export { treeIdOf } from './tree-id.ts';

export type { Version } from './compare-versions.ts';
export type { VersionControlErrorCode, VersionControlErrorOptions } from './errors.ts';
export type { Mirror, ObjectFormat } from './mirror.ts';
export type { TreeEntry } from './read-objects.ts';
export type { RemoteOptions } from './remote.ts';
export type { RepositoryUrl, RepositoryUrlOptions } from './repository-url.ts';
export type { StagedTree, StageOptions, TreeToStage } from './stage-trees.ts';
export type { SyncResult } from './sync-mirror.ts';
export type { TreeMode } from './tree-format.ts';
