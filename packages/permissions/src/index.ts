export { Accounts } from './accounts.ts';
export { PermissionError } from './errors.ts';
export { createModulePermissionTargets } from './module-targets.ts';
export { formatMode, parseMode } from './parse-mode.ts';
export { PermissionManager } from './permission-manager.ts';
export { describeChange } from './plan-permissions.ts';
export {
  createServicePermissionTargets,
  fixCommonServicePermissions,
  restoreServicePermissionsSimple,
} from './service-targets.ts';

export type { PermissionReport } from './apply-permissions.ts';
export type { PermissionErrorCode } from './errors.ts';
export type { PermissionTarget } from './permission-target.ts';
export type { Ownership, PermissionChange, PermissionNote, PermissionPlan } from './plan-permissions.ts';
export type { ServicePlaces } from './service-targets.ts';
