import fs from 'node:fs';
import { StateManager } from '@homeserver/state-manager';

/* back-up.js BACKUP_DIR STATE_DIR SLOT REQUEST: the whole process is what the benchmark times. REQUEST is a JSON file. */
const [backupDir = '', stateDir = '', slot = '', request = ''] = process.argv.slice(2);
await new StateManager({ backupDir, stateDir }).backupModuleState(slot, JSON.parse(fs.readFileSync(request, 'utf8')));
