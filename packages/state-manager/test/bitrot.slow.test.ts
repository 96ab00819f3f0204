import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { reasonOf } from '@homeserver/system';
import { faultPoints, temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it, vi } from 'vitest';
import { directoryDamages, fileDamages, type Damage } from './damages.ts';
import { backedUp, changeByHand, inKilledProcess, look, type BackedUp } from './files-and-database.ts';
import type { Scene } from './scene.ts';

/*
 * Every file and directory of the backups is damaged in every way, one at a time. Whatever is then asked for is done exactly,
 * or refused with one line that says what is wrong, and no live file touched; and the backups of others are as good as before.
 * A sample of it, or with FAULT_POINTS=all in the environment the whole campaign.
 */

const MOST = 30;

/** A server in its changed state; what it looked like before, and looks like now. */
interface Server extends BackedUp {
  now: string[];
}

async function server(): Promise<Server> {
  const { here, before } = await backedUp();
  changeByHand(here);
  return { here, before, now: look(here) };
}

interface Case {
  /** A path in the backup directory, and what happens to it. */
  name: string;
  target: string;
  how: string;
  damage: Damage;
  other: string;
}

/** Every damage of everything in some places of a backup directory. */
function casesIn(root: string, places: readonly string[]): Case[] {
  const listed = places.flatMap((place) => {
    const isDirectory = fs.statSync(path.join(root, place)).isDirectory();
    return isDirectory
      ? [
          place,
          ...fs
            .readdirSync(path.join(root, place), { recursive: true, encoding: 'utf8' })
            .map((name) => path.join(place, name)),
        ]
      : [place];
  });
  const kindOf = (name: string): fs.Stats => fs.lstatSync(path.join(root, name));
  const files = listed.filter((name) => kindOf(name).isFile()).toSorted();
  const directories = listed.filter((name) => kindOf(name).isDirectory()).toSorted();
  return [...casesOf(files, fileDamages), ...casesOf(directories, directoryDamages)];
}

function casesOf(targets: readonly string[], damages: Readonly<Record<string, Damage>>): Case[] {
  return targets.flatMap((target, at) =>
    Object.entries(damages).map(([how, damage]) => ({
      name: `${target} ${how}`,
      target,
      how,
      damage,
      other: targets[(at + 1) % targets.length] as string,
    })),
  );
}

interface Campaign {
  places(here: Scene): string[];
  /** What is asked for then; throws, or returns the line with which it refuses. */
  act(here: Scene, damaged: Case): Promise<string | undefined>;
  /** What it brings back; default `all`. */
  kinds?: 'files';
  /** Damages to leave out. */
  skip?: RegExp;
  /** Damages for which there is another right answer. */
  except?(damaged: Case, outcome: { state: string; refusal: string | undefined }): boolean;
}

/** Does `act` after each damage, and returns a line for each case that ended in any other way than it may. */
async function damageEverything(
  make: () => Promise<Server>,
  { places, act, kinds, skip, except }: Campaign,
): Promise<string[]> {
  const origin = await make();
  const { here } = origin;
  const parts = kinds === 'files' ? -1 : undefined; // The rows come last.
  const [before, now] = [origin.before, origin.now].map((lines) => lines.slice(0, parts).join('\n'));
  const kept = temporaryDirectory();
  execFileSync('cp', ['-a', here.root, `${kept}/root`]);
  const cases = casesIn(here.backupDir, places(here));
  const wrong: string[] = [];
  let done = 0;
  for (const point of faultPoints(cases.length, MOST)) {
    const damaged = cases[point - 1] as Case;
    for (const name of fs.readdirSync(here.root)) fs.rmSync(path.join(here.root, name), { recursive: true });
    execFileSync('cp', ['-a', `${kept}/root/.`, here.root]);
    const [at, other] = [damaged.target, damaged.other].map((name) => path.join(here.backupDir, name)) as [
      string,
      string,
    ];
    if (skip?.test(damaged.how) || at === other || damaged.damage(at, other) === false) continue;
    done += 1;
    let refusal: string | undefined;
    try {
      refusal = await act(here, damaged);
    } catch (error) {
      refusal =
        (error as { name?: string }).name === 'StateManagerError'
          ? reasonOf(error)
          : `no error of ours: ${String(error)}`;
    }
    const found = look(here).slice(0, parts).join('\n');
    const state = found === before ? 'old' : found === now ? 'new' : 'mixed';
    const isRight = refusal === undefined ? state === 'old' : state === 'new' && isTelling(refusal, here);
    if (!isRight && !except?.(damaged, { state, refusal })) wrong.push(`${damaged.name}: ${state}, ${refusal}`);
    const mail = await here.stateManager().restoreModuleState('mail').catch(reasonOf);
    if (typeof mail === 'string' && !damaged.target.startsWith('journal')) wrong.push(`${damaged.name}: mail: ${mail}`);
  }
  expect(done).toBeGreaterThan(15);
  return wrong;
}

/** One line, which names what is damaged: the file, or what it belongs to. */
function isTelling(refusal: string, here: Scene): boolean {
  return (
    !refusal.includes('\n') &&
    !refusal.startsWith('no error of ours') &&
    (refusal.includes(here.backupDir) || /\bapp\b/.test(refusal))
  );
}

vi.setConfig({ testTimeout: 3_600_000 });

describe('whatever is damaged', () => {
  it('in a slot, a restore is exact or refused', async () => {
    const wrong = await damageEverything(server, {
      places: () => ['app_backup'],
      act: async (here) => void (await here.stateManager().restoreModuleState('app')),
    });
    expect(wrong).toEqual([]);
  });

  it('in a snapshot, a restore is exact or refused', async () => {
    const wrong = await damageEverything(server, {
      places: ({ backupDir }) => [`snapshots/${snapshotIn(backupDir)}`],
      act: async (here) => {
        await here.stateManager().snapshots.restoreSnapshot(snapshotIn(here.backupDir) ?? 'abc');
      },
      except: ({ target }, { state }) => state === 'new' && /^snapshots\/[0-9a-f]{12}$/.test(target),
    });
    expect(wrong).toEqual([]);
  });

  it('in the summaries, every restore works: nothing is read from them', async () => {
    const wrong = await damageEverything(server, {
      places: () => ['module_backups.json', 'snapshots/index.json'],
      act: async (here, { target }) => {
        if (target === 'module_backups.json') await here.stateManager().restoreModuleState('app');
        else await here.stateManager().snapshots.restoreSnapshot(snapshotIn(here.backupDir) ?? '');
      },
    });
    expect(wrong).toEqual([]);
  });

  it('in the note of an open change or its backup, a recovery is exact or says what it could not do', async () => {
    const wrong = await damageEverything(killedChange, {
      places: () => ['journal', 'app_backup'],
      act: async (here) => {
        const { found, damaged } = await here.stateManager().recover();
        return (
          found.find(({ outcome }) => outcome === 'failed')?.error ??
          damaged.map(({ file: name, why }) => `${name}: ${why}`)[0]
        );
      },
      // A note that is gone is that of a change which is complete.
      except: ({ target, how }, { state }) => state === 'new' && target.startsWith('journal') && /gone|empty/.test(how),
    });
    expect(wrong).toEqual([]);
  });

  it('of what restore.sh uses, it is exact or refuses', async () => {
    const wrong = await damageEverything(server, {
      places: () => ['app_backup'],
      act: async (here) => {
        const script = path.join(here.backupDir, 'app_backup/restore.sh');
        const ran = spawnSync('sh', [script, '--yes'], { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
        if (ran.status === null) throw new Error(`it hangs: ${ran.stderr}`);
        return ran.status === 0 ? undefined : `${here.backupDir} ${ran.status}`;
      },
      kinds: 'files',
      skip: /terabytes/, // It would find that out in some hours.
      // It checks content, and takes owners, modes, links and empty directories as they lie there. And nobody checks it itself.
      except: ({ target, how }) =>
        /somebody else|may not be read|setuid/.test(how) || /restore\.sh$|\/empty$/.test(target),
    });
    expect(wrong).toEqual([]);
  });
});

const snapshotIn = (backupDir: string): string | undefined =>
  fs.readdirSync(path.join(backupDir, 'snapshots')).find((name) => /^[0-9a-f]{12}$/.test(name));

/** A change that was killed in its middle. */
async function killedChange(): Promise<Server> {
  const { here, before } = await backedUp();
  await inKilledProcess(here, 'change, and be killed');
  return { here, before, now: look(here) };
}
