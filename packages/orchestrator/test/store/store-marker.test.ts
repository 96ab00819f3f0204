import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeFifo } from '@homeserver/system';
import { readModuleRecords } from '../../src/records/module-records.ts';
import { module, scene } from '../support.ts';

it.each<[string, (marker: string) => void]>([
  ['empty', (marker) => fs.writeFileSync(marker, '')],
  ['another text', (marker) => fs.writeFileSync(marker, '{ "type": "commonjs" }')],
  ['a link', (marker) => fs.symlinkSync('/dev/zero', marker)],
  ['a pipe', (marker) => makeFifo(marker, 0o600)],
  ['a directory', (marker) => fs.mkdirSync(path.join(marker, 'full'), { recursive: true })],
])(
  'a package.json of the store that is %s is written again before modules run, and nothing is held against them',
  async (_, damage) => {
    const here = await scene();
    await here.publish({ web: module('1.0.0') });
    await here.cycle();
    const marker = path.join(here.server.paths.store, 'package.json');
    const original = fs.readFileSync(marker, 'utf8');
    fs.rmSync(marker);
    damage(marker);

    await here.publish({ web: module('2.0.0') });
    const report = await here.cycle();
    expect(report.outcomes).toMatchObject([{ name: 'web', version: '2.0.0', status: 'succeeded' }]);
    expect(report.recovery.recovered).toEqual([`${marker} was damaged, and is written again`]);
    expect(fs.readFileSync(marker, 'utf8')).toBe(original);
    expect(fs.lstatSync(marker).mode & 0o7777).toBe(0o644);
    expect(readModuleRecords(here.server.paths.moduleRecords)).toEqual({});
    expect(fs.readdirSync(here.server.paths.store).filter((name) => !/^(web@|package\.json$)/.test(name))).toEqual([]);
    expect((await here.cycle()).recovery.recovered).toEqual([]);
  },
);

it('one that is missing is written again, too, without a word', async () => {
  const here = await scene();
  await here.publish({ web: module('1.0.0') });
  await here.cycle();
  const marker = path.join(here.server.paths.store, 'package.json');
  fs.rmSync(marker);
  expect((await here.cycle({ only: 'run' })).recovery.recovered).toEqual([]);
  expect(fs.existsSync(marker)).toBe(true);
});
