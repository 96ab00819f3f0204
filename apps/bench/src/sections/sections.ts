import { cycle } from './cycle.ts';
import { databases } from './databases.ts';
import { emergency } from './emergency.ts';
import { firstBackup } from './first-backup.ts';
import { largeFileBackup } from './large-file.ts';
import { memory, memoryOfMany } from './memory.ts';
import { fullRestore, smallRestore } from './restore.ts';
import { changedBackup, unchangedBackup } from './second-backup.ts';
import { permissions } from './permissions.ts';
import type { Section } from './section.ts';

/** In the order in which they are measured: what leaves many files comes late. */
export const sections: readonly Section[] = [
  cycle,
  emergency,
  databases,
  permissions,
  largeFileBackup,
  unchangedBackup,
  changedBackup,
  smallRestore,
  fullRestore,
  memory,
  firstBackup,
  memoryOfMany,
];
