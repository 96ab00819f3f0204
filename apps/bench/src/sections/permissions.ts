import fs from 'node:fs';
import path from 'node:path';
import type { Bench } from '../bench.ts';
import { ratioFinding } from '../finding.ts';
import type { Contender, Race } from '../race.ts';
import type { Command } from '../time-command.ts';
import { filesForPermissions, type Tree } from '../trees/tree.ts';
import type { Section } from './section.ts';

const OURS = 'permissions';
const PEER = '`chown -R && chmod -R`';
const script = path.resolve(import.meta.dirname, '../../dist/set-permissions.js');

/** Who owns the tree in a round; by turns, so that everything is to be done. Who is not root can only change modes. */
interface Wanted {
  uid: number;
  gid: number;
  fileMode: string;
  directoryMode: string;
  symbolic: string;
}

function wanted(turn: number): Wanted {
  const isRoot = process.getuid?.() === 0;
  const [uid, gid] = isRoot ? [1000 + turn, 1000 + turn] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return turn === 0
    ? { uid, gid, fileMode: '640', directoryMode: '750', symbolic: 'u=rwX,g=rX,o=' }
    : { uid, gid, fileMode: '600', directoryMode: '700', symbolic: 'u=rwX,go=' };
}

const ours = (tree: string, { uid, gid, fileMode, directoryMode }: Wanted): Command => ({
  argv: [process.execPath, script, tree, String(uid), String(gid), fileMode, directoryMode],
});

const peer = (tree: string, { uid, gid, symbolic }: Wanted): Command => ({
  argv: ['sh', '-c', 'chown -R -- "$1" "$3" && chmod -R -- "$2" "$3"', 'sh', `${uid}:${gid}`, symbolic, tree],
});

/** Owner and mode of a large tree: where all is right already, as every day, and where everything is wrong. */
export const permissions: Section = {
  name: 'permissions',
  title: 'owner and mode of many files: nothing to do, and everything',
  needs: [],
  measure: async (bench) => {
    const tree = await filesForPermissions(bench);
    const nothing = await raceOf(bench, tree, 'nothing to do', () => wanted(0));
    const everything = await raceOf(bench, tree, 'everything to do', (run) => wanted(run % 2));
    return [
      ratioFinding(nothing, { what: `owner and mode of ${tree.title}, nothing to do`, ours: OURS, baseline: PEER }),
      ratioFinding(everything, {
        what: `owner and mode of ${tree.title}, everything to do`,
        ours: OURS,
        baseline: PEER,
      }),
    ];
  },
};

async function raceOf(bench: Bench, tree: Tree, what: string, of: (run: number) => Wanted): Promise<Race> {
  await bench.run(ours(tree.path, of(0)));
  let run = 0;
  const contender = (name: string, command: typeof ours): Contender => ({
    name,
    prepare: () => command(tree.path, of((run += 1))),
    check: () => expectAsWanted(tree.path, of(run)),
  });
  return bench.race({
    id: `permissions-${what.split(' ')[0]}`,
    title: `owner and mode of ${tree.title}, ${what}`,
    baseline: PEER,
    rounds: bench.scale.rounds,
    contenders: [contender(PEER, peer), contender(OURS, ours)],
  });
}

/** Throws unless all of the tree is so. */
function expectAsWanted(tree: string, { uid, gid, fileMode, directoryMode }: Wanted): void {
  for (const entry of fs.readdirSync(tree, { recursive: true, encoding: 'utf8' })) {
    const stat = fs.lstatSync(path.join(tree, entry));
    const mode = Number.parseInt(stat.isDirectory() ? directoryMode : fileMode, 8);
    if (stat.uid !== uid || stat.gid !== gid || (stat.mode & 0o7777) !== mode)
      throw new Error(`${entry} is not as it should be`);
  }
}
