import { randomBytes } from 'node:crypto';
import { openMirror, readTreeEntries } from '@homeserver/version-control';
import { OrchestratorError } from './errors.ts';
import { installedModule } from './hold.ts';
import { readModuleRecords, writeModuleRecords } from './records/module-records.ts';
import { readOwnerChoices, writeOwnerChoices } from './records/owner-choices.ts';
import { collectGarbage } from './replace/collect-garbage.ts';
import { removeReplaceIntent, writeReplaceIntent, type ReplaceIntent } from './replace/replace-intent.ts';
import { switchModules } from './replace/switch-modules.ts';
import type { Server } from './server.ts';
import { readAcceptedTip } from './trust/accepted-tips.ts';
import { underLock } from './under-lock.ts';

/**
 * Removes a module that is not in the repository any more: its link, its versions, what is remembered of it, and the owner's
 * choices. Its backups and its state directory stay. A removal that is cut is completed by the next recovery. Throws 'usage'
 * for one that is still in the repository, or that is somebody's own link or directory.
 */
export async function removeModule(
  server: Server,
  name: string,
  repository: { url: string; branch: string },
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<{ version: string | undefined }> {
  const { paths } = server;
  const { result } = await underLock(server, { purpose: `updater modules remove ${name}`, ...options }, async () => {
    const { entry, version, directory } = installedModule(server, name);
    if (entry === undefined)
      throw new OrchestratorError('usage', `${directory} was not put there by the updater; remove it by hand`);
    if ((await modulesOfRepository(server, repository)).has(name)) {
      throw new OrchestratorError('usage', `${name} is still in the repository: the next run would bring it back`, {
        hint: `to keep it from running: updater modules disable ${name}`,
      });
    }
    const intent: ReplaceIntent = {
      format: 1,
      id: randomBytes(6).toString('hex'),
      kind: 'rollback', // Completed by a recovery, not given up.
      switches: [{ name, from: entry, to: null, backup_before: null, backup_after: null, take_over: false }],
    };
    writeReplaceIntent(paths.replaceIntent, intent);
    forget(server, name);
    switchModules(paths, intent);
    removeReplaceIntent(paths.replaceIntent);
    collectGarbage(paths);
    return { version };
  });
  return result;
}

/** As the last accepted commit has them. */
async function modulesOfRepository(
  { paths, logger }: Server,
  { url, branch }: { url: string; branch: string },
): Promise<ReadonlySet<string>> {
  const tip = readAcceptedTip(paths.acceptedTips, url, branch);
  if (tip === undefined) {
    throw new OrchestratorError('usage', 'it is not known what the repository holds', {
      hint: 'run the updater first',
    });
  }
  const mirror = openMirror({ directory: paths.localRepo, logger });
  const root = await readTreeEntries(mirror, tip.commit);
  const modules = root.find((entry) => entry.path === 'modules' && entry.type === 'tree');
  const entries = modules === undefined ? [] : await readTreeEntries(mirror, modules.id);
  return new Set(entries.filter(({ type }) => type === 'tree').map((entry) => entry.path as string));
}

function forget({ paths }: Server, name: string): void {
  const { [name]: _, ...records } = readModuleRecords(paths.moduleRecords);
  writeModuleRecords(paths.moduleRecords, records);
  const { [name]: __, ...choices } = readOwnerChoices(paths.ownerChoices);
  writeOwnerChoices(paths.ownerChoices, choices);
}
