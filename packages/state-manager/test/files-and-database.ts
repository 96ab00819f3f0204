import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runCommand } from '@homeserver/system';
import { describeTree, file, hardlink, link } from '@homeserver/test-support';
import { expect } from 'vitest';
import { scene, type Scene } from './scene.ts';

/** A server with a backup of something of everything that one process can bring back: files, and a database among them. */
export interface BackedUp {
  here: Scene;
  /** What there is to bring back, as `look` sees it; the rows come last. */
  before: string[];
}

const OLD = {
  tree: {
    one: 'old one',
    two: 'old two',
    mode: file('mode', 0o4750),
    link: link('one'),
    again: hardlink('app/tree/one'),
    empty: {},
  },
  single: 'old single',
};

/** Backups of `app` and of `mail`, and a snapshot of `app`. */
export async function backedUp(): Promise<BackedUp> {
  const here = scene({ app: OLD, mail: 'old mail' });
  const state = here.stateManager();
  const database = new DatabaseSync(here.at('app/app.db'));
  database.exec("CREATE TABLE people (name text); INSERT INTO people VALUES ('old')");
  database.close();
  const sqlite = { type: 'sqlite' as const, database: here.at('app/app.db') };
  await state.backupModuleState('app', { files: [here.at('app')], databases: [sqlite] });
  await state.backupModuleState('mail', { files: [here.at('mail')] });
  await state.snapshots.captureSystemState({ files: [here.at('app')], databases: [sqlite] }, 'by hand');
  return { here, before: look(here) };
}

/** Changes all of `app`. */
export function changeByHand(here: Scene): void {
  here.write('app/tree/one', 'new one');
  here.write('app/appeared', 'new');
  fs.rmSync(here.at('app/tree/mode'));
  const database = new DatabaseSync(here.at('app/app.db'));
  database.exec("INSERT INTO people VALUES ('new')");
  database.close();
}

/** Does one of fixtures/once.ts in a process that kills itself. */
export async function inKilledProcess(here: Scene, what: string): Promise<void> {
  const fixture = path.join(import.meta.dirname, 'fixtures/once.ts');
  const killed = await runCommand([process.execPath, fixture, here.root, what]);
  expect([killed.signal, killed.stderr.toString()]).toEqual(['SIGKILL', '']);
}

/** All of `app`: its tree, then its rows. */
export function look(here: Scene): string[] {
  const database = new DatabaseSync(here.at('app/app.db'), { readOnly: true });
  const rows = JSON.stringify(database.prepare('SELECT * FROM people').all());
  database.close();
  const tree = describeTree(here.at('app')).filter((line) => !/^\.(\/app\.db\S*)? /.test(line));
  return [...tree, rows];
}
