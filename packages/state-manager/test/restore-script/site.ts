import fs from 'node:fs';
import path from 'node:path';
import { makeFifo, setTimes } from '@homeserver/system';
import { file, hardlink, link } from '@homeserver/test-support';
import { isRoot, scene, type Scene } from '../scene.ts';
import { promised } from './shells.ts';

const oddNames = [
  'new\nline\n',
  'back\\slash',
  ' blanks ',
  '-rf',
  '%s$(x)`y`',
  '"quoted\'',
  '*',
  'é',
  '.hidden',
  '..two',
];

export interface Site extends Scene {
  /** The backup. */
  readonly slot: string;
  readonly script: string;
  /** What it was when it was backed up, as far as restore.sh promises it. */
  readonly was: Record<string, unknown>;
}

/** What is looked at: whatever was backed up. */
const parts = ['web', 'conf', 'conf-link', 'same as index', 'pipe'];

/** A live tree with everything that restore.sh promises, backed up. */
export async function backedUpSite(): Promise<Site> {
  const here = scene({
    web: {
      index: 'one',
      locked: file('secret', 0o400),
      set: file('program', 0o4755),
      'sub dir': { deep: { file: 'two' }, 'other name': hardlink('web/index') },
      empty: {},
      pointer: link('../elsewhere'),
      dangling: link('/nowhere/at all'),
      ...Object.fromEntries(oddNames.map((name) => [name, `content of ${name}`])),
    },
    conf: file('setting', 0o640),
    'conf-link': link('conf'),
    'same as index': hardlink('web/index'),
  });
  fs.writeFileSync(Buffer.concat([Buffer.from(here.at('web/')), Buffer.of(0xff, 0xfe)]), 'not UTF-8');
  makeFifo(here.at('web/pipe'), 0o600);
  makeFifo(here.at('pipe'), 0o620);
  fs.chmodSync(here.at('web/sub dir'), 0o2750);
  fs.chmodSync(here.at('web/empty'), 0o555);
  if (isRoot) giveAway(here);
  for (const name of ['web/sub dir', 'web/pipe', 'web', 'conf'])
    setTimes(here.at(name), 5n, 1_234_567_890_123_456_789n);
  setTimes(here.at('pipe'), 5n, -1n);
  const files = [...parts, 'absent'].map((name) => here.at(name));
  await here.stateManager().backupModuleState('site', { files, description: "the owner's own" });
  const slot = path.join(here.backupDir, 'site_backup');
  return { ...here, slot, script: path.join(slot, 'restore.sh'), was: promisedOf(here.live) };
}

function giveAway({ at }: Scene): void {
  fs.chownSync(at('web/set'), 1000, 33);
  fs.chmodSync(at('web/set'), 0o6755);
  fs.lchownSync(at('web/pointer'), 33, 33);
  fs.chownSync(at('web/sub dir/deep'), 33, 33);
}

export function promisedOf(live: string): Record<string, unknown> {
  return Object.fromEntries(parts.map((part) => [part, promised(path.join(live, part))]));
}

/** Some of everything that may happen to a site. */
export function harm({ at }: Scene): void {
  fs.rmSync(at('web/sub dir'), { recursive: true });
  fs.writeFileSync(at('web/index'), 'changed');
  fs.writeFileSync(at('web/made since'), 'an upload');
  fs.rmSync(at('conf'));
  fs.mkdirSync(at('conf'));
  fs.writeFileSync(at('conf/inside'), 'now a directory');
  fs.rmSync(at('pipe'));
}

/** What restore.sh moved out of its way in a directory, by its path in there. */
export function keptIn(directory: string): string[] {
  return fs
    .readdirSync(directory)
    .filter((name) => name.startsWith('.before-restore-'))
    .flatMap((name) => fs.readdirSync(path.join(directory, name, 'old'), { recursive: true, encoding: 'utf8' }))
    .sort();
}
