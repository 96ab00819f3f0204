import { StateManager } from '@homeserver/state-manager';

/* back-up.js BACKUP_DIR STATE_DIR SLOT TREE: the whole process is what the benchmark times. */
const [backupDir = '', stateDir = '', slot = '', tree = ''] = process.argv.slice(2);
await new StateManager({ backupDir, stateDir }).backupModuleState(slot, { files: [tree] });
