import type { Engine } from './engine.ts';
import { setAside } from './give-up.ts';
import { claimsCover, type Intent } from './intent.ts';
import { readManifestHead } from './manifest.ts';
import { committedAmong } from './recover-changes.ts';
import { directoryOf, isBackupLost } from './undo.ts';
import { verifyCaptured } from './verify-backup.ts';

/** An open change whose note or backup is not whole. */
export interface LostChange {
  /** One line, which names the note. */
  why: string;
  /**
   * The command after which it is no open change any more, and stays as it lies. undefined where a recovery may not need
   * what is damaged: only trying tells.
   */
  giveUp: string | undefined;
}

/** Reads all of the backups that open changes refer to. Needs no lock, and changes nothing. */
export async function findLostChanges(engine: Engine): Promise<LostChange[]> {
  const { journal } = engine;
  const { intents, damaged } = journal.list();
  const isCommitted = committedAmong(intents, journal.ids());
  const lost: LostChange[] = damaged.map(({ file, why, giveUp }) => ({
    why: `${file} cannot be read: ${why}`,
    giveUp,
  }));
  const whole: Intent[] = [];
  for (const intent of intents.filter((one) => one.backup_id !== null && !isCommitted(one))) {
    const note = journal.fileOf(intent.id);
    const found = await damageOf(intent, engine);
    if (found === undefined) whole.push(intent);
    else if (!whole.some((older) => claimsCover(older.claims, intent.claims))) {
      const giveUp = found.isForGood ? setAside(note) : undefined;
      lost.push({ why: `${intent.slot}: ${found.damage} (the change is noted in ${note})`, giveUp });
    }
  }
  return lost;
}

async function damageOf(intent: Intent, engine: Engine): Promise<{ damage: string; isForGood: boolean } | undefined> {
  try {
    const directory = directoryOf(intent, engine);
    readManifestHead(directory);
    const [damage] = await verifyCaptured(directory);
    return damage === undefined ? undefined : { damage, isForGood: false };
  } catch (error) {
    if (!isBackupLost(error)) throw error;
    return { damage: error.message, isForGood: true };
  }
}
