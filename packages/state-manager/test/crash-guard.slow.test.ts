import { DatabaseSync } from 'node:sqlite';
import { describeUnderSupervision, type FaultMode } from '@homeserver/test-support';
import { describe, expect, it, vi } from 'vitest';
import { backedUp, changeByHand, inKilledProcess, look } from './files-and-database.ts';
import { killEverywhere } from './kill-everywhere.ts';
import type { Scene } from './scene.ts';

/*
 * A change, an undoing, a restore and a recovery of files and a database, with a fault at each call that changes a file; then a
 * fresh process recovers. What comes of it is all old or all new, and there is a good backup at every instant. A sample of the
 * calls, or with FAULT_POINTS=all in the environment every one.
 */

/** Without times: what a change writes is new each time. */
const state = (here: Scene): 'old' | 'changed' | 'by hand' | string => {
  const lines = look(here);
  const rows = lines.at(-1) as string;
  const has = (name: string): boolean => lines.some((line) => line.startsWith(`./${name} `));
  const facts = [
    here.read('app/tree/one'),
    ['two', 'three', 'mode'].filter((name) => has(`tree/${name}`)).join(' '),
    has('appeared'),
    [...rows.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name).join(' '),
  ].join(', ');
  return { [OLD]: 'old', [CHANGED]: 'changed', [BY_HAND]: 'by hand' }[facts] ?? facts;
};
const OLD = 'old one, two mode, false, old';
const CHANGED = 'changed, three mode, false, old changed';
const BY_HAND = 'new one, two, true, old new';

const server = async (): Promise<Scene> => (await backedUp()).here;

async function changed(): Promise<Scene> {
  const here = await server();
  changeByHand(here);
  return here;
}

async function cutShort(): Promise<Scene> {
  const here = await server();
  await inKilledProcess(here, 'change, and be killed');
  return here;
}

interface Act {
  what: string;
  prepare: () => Promise<Scene>;
  /** How it may end. */
  ends: readonly string[];
}

const acts: readonly Act[] = [
  { what: 'change, and succeed', prepare: server, ends: ['old', 'changed'] },
  { what: 'change, and fail', prepare: server, ends: ['old'] },
  { what: 'restore', prepare: changed, ends: ['by hand', 'old'] },
  { what: 'recover', prepare: cutShort, ends: ['old'] },
];

/** The kernel's answers, signals, and a write of which a half arrives. */
const faults: readonly FaultMode[] = [
  'torn',
  'short',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EIO-read',
  'EACCES',
  'EROFS',
  'EMFILE',
  'SIGTERM',
];

async function goThrough({ what, prepare, ends }: Act, mode: FaultMode, most: number): Promise<Set<string>> {
  const seen = new Set<string>();
  await killEverywhere(what, prepare, {
    mode,
    most,
    atOnce: async (here, firedAt) => {
      expect([mode, firedAt, await here.stateManager().verifyModuleBackup('app')]).toEqual([mode, firedAt, []]);
    },
    recovered: async (here, firedAt) => {
      const end = state(here);
      expect([mode, firedAt, ends.includes(end), end]).toEqual([mode, firedAt, true, end]);
      seen.add(end);
      expect([mode, firedAt, await here.stateManager().verifyModuleBackup('app')]).toEqual([mode, firedAt, []]);
      expect([mode, firedAt, integrity(here)]).toEqual([mode, firedAt, 'ok']);
    },
  });
  return seen;
}

function integrity(here: Scene): unknown {
  const database = new DatabaseSync(here.at('app/app.db'), { readOnly: true });
  const [found] = database.prepare('PRAGMA integrity_check').all();
  database.close();
  return found?.['integrity_check'];
}

vi.setConfig({ testTimeout: 3_600_000 });

await describeUnderSupervision('whichever call is the last one, or fails', () => {
  it.each(acts)('$what: killed, it is all old or all new', async (act) => {
    expect(await goThrough(act, 'kill', 12)).toEqual(new Set(act.ends));
  });

  describe.each(faults)('%s', (mode) => {
    it.each(acts)('$what: it is all old or all new', async (act) => {
      await goThrough(act, mode, 2);
    });
  });
});
