import { StateManager } from '@homeserver/state-manager';

/* restore.js BACKUP_DIR STATE_DIR SLOT: the whole process is what the benchmark times. */
const [backupDir = '', stateDir = '', slot = ''] = process.argv.slice(2);
await new StateManager({ backupDir, stateDir }).restoreModuleState(slot);
