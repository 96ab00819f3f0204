import { PermissionManager } from '@homeserver/permissions';

/* set-permissions.js TREE UID GID FILE_MODE DIRECTORY_MODE: the whole process is what the benchmark times. */
const [path = '', uid = '', gid = '', fileMode = '', directoryMode = ''] = process.argv.slice(2);
const target = { path, owner: Number(uid), group: Number(gid), fileMode, directoryMode, recursive: true };
const { success, failed } = await new PermissionManager('bench').setPermissions([target]);
if (!success) throw new Error(`${failed[0]?.path}: ${failed[0]?.why}`);
