import fs from 'node:fs';
import type { Bench } from '../bench.ts';
import { copy, rsync, rsyncLinked } from '../commands/copies.ts';
import { borgRepository, resticRepository, type Repository } from '../commands/repositories.ts';
import { newBackups, type Backups } from '../commands/state-manager.ts';
import type { Contender } from '../race.ts';
import { smallFiles, type Tree } from '../trees/tree.ts';
import { CP, OURS, RSYNC } from './section.ts';

/** T1 with one backup of each kind, for whatever comes second. */
export interface ExistingBackups {
  tree: Tree;
  /** A plain copy, kept current by `rsync -a` in place. */
  plain: string;
  /** A plain copy that nobody changes, for the first --link-dest. */
  linked: string;
  ours: Backups;
  restic: Repository | undefined;
  borg: Repository | undefined;
}

export function existingBackups(bench: Bench): Promise<ExistingBackups> {
  return bench.once('a first backup of T1 with each program', async () => {
    const tree = await smallFiles(bench);
    bench.reserve(5 * tree.bytes, 'a first backup of T1 with each program');
    const [plain, linked] = [bench.fresh('plain'), bench.fresh('linked')];
    const ours = newBackups(bench);
    const restic = bench.has('restic') ? await resticRepository(bench) : undefined;
    const borg = bench.has('borg') ? await borgRepository(bench) : undefined;
    const all = [copy(tree.path, plain), copy(tree.path, linked), ours.backUp({ files: [tree.path] })];
    for (const command of all) await bench.run(command);
    for (const repository of [restic, borg]) if (repository) await bench.run(repository.backUp(tree.path));
    return { tree, plain, linked, ours, restic, borg };
  });
}

/** Each makes its backup again, beside or over the one it has. */
export function secondBackups(bench: Bench, existing: ExistingBackups): Contender[] {
  const { tree, plain, ours, restic, borg } = existing;
  return [
    { name: CP, prepare: () => copy(tree.path, bench.fresh('copy')) },
    { name: RSYNC, needs: ['rsync'], prepare: () => rsync(tree.path, plain) },
    {
      name: '`rsync -a --link-dest`',
      needs: ['rsync'],
      prepare: () => {
        const [earlier, next] = [existing.linked, bench.fresh('linked')];
        existing.linked = next;
        return rsyncLinked(tree.path, next, earlier);
      },
    },
    { name: 'restic', needs: ['restic'], prepare: () => demand(restic).backUp(tree.path) },
    { name: 'borg', needs: ['borg'], prepare: () => demand(borg).backUp(tree.path) },
    { name: OURS, prepare: () => ours.backUp({ files: [tree.path] }) },
  ];
}

/** A contender whose program is missing is never asked. */
export function demand(repository: Repository | undefined): Repository {
  if (repository === undefined) throw new Error('there is no repository');
  return repository;
}

/** Moves the live tree aside; removing it would slow down what is measured next. */
export function takeAway(bench: Bench, tree: string): void {
  fs.renameSync(tree, bench.fresh('aside'));
}
