import fs from 'node:fs';
import { describeTree } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { capturedFilesSchema } from '../../src/files/file-record.ts';
import { captureBackup, scene } from '../scene.ts';

describe('a path that another source answers for', () => {
  it('is noted, and not copied, whether or not it exists', () => {
    const here = scene({ app: { 'data.db': 'rows', conf: 'x' } });
    const leave = [here.at('app/data.db'), here.at('app/data.db-wal'), here.at('elsewhere')];
    const { captured, directory } = captureBackup(here, { paths: [here.at('app')], leave });
    expect(captured.entries).toMatchObject([
      { type: 'left', path: here.at('app/data.db') },
      { type: 'left', path: here.at('app/data.db-wal') },
      { type: 'directory', path: here.at('app') },
      { type: 'file', path: here.at('app/conf') },
    ]);
    expect(capturedFilesSchema.parse(JSON.parse(JSON.stringify(captured)))).toEqual(captured);
    expect(fs.readdirSync(`${directory}/files${here.at('app')}`)).toEqual(['conf']);
  });

  it('is neither put back nor displaced by a restore, nor is what is below it', async () => {
    const here = scene({ app: { 'data.db': 'rows', pg: { base: 'x' }, conf: 'x' } });
    const leave = [here.at('app/data.db'), here.at('app/data.db-wal'), here.at('app/pg')];
    const backup = captureBackup(here, { paths: [here.at('app')], leave });
    here.write('app/data.db', 'new rows');
    here.write('app/data.db-wal', 'newest rows');
    here.write('app/pg/new', 'y');
    here.write('app/conf', 'changed');
    const { restored, displaced } = await backup.restore();
    expect([restored, displaced.map(({ from }) => from)]).toEqual([[here.at('app/conf')], [here.at('app/conf')]]);
    expect(['app/data.db', 'app/data.db-wal', 'app/pg/new', 'app/conf'].map((name) => here.read(name))).toEqual([
      'new rows',
      'newest rows',
      'y',
      'x',
    ]);
  });

  it('is not made again with the directory that held it', async () => {
    const here = scene({ app: { 'data.db': 'rows', conf: 'x' } });
    const backup = captureBackup(here, { paths: [here.at('app')], leave: [here.at('app/data.db')] });
    fs.rmSync(here.at('app'), { recursive: true });
    await backup.restore();
    expect(fs.readdirSync(here.at('app'))).toEqual(['conf']);
  });

  it('stays, with the directories around it, when all of that was absent', async () => {
    const here = scene();
    const backup = captureBackup(here, { paths: [here.at('app')], leave: [here.at('app/var/data.db')] });
    fs.mkdirSync(here.at('app/var'), { recursive: true });
    for (const name of ['app/var/data.db', 'app/var/log', 'app/tool']) here.write(name, name);
    const { displaced, warnings } = await backup.restore();
    expect(displaced.map(({ from }) => from).sort()).toEqual([here.at('app/tool'), here.at('app/var/log')]);
    expect(warnings).toEqual([
      expect.stringMatching(`^${here.at('app')} was not there`),
      expect.stringMatching(`^${here.at('app/var')} was not there`),
    ]);
    expect(here.read('app/var/data.db')).toBe('app/var/data.db');
  });

  it('may be one of the paths that were asked for', async () => {
    const here = scene({ 'data.db': 'rows' });
    const paths = [here.at('data.db')];
    const backup = captureBackup(here, { paths, leave: paths });
    expect(backup.captured.entries).toEqual([{ type: 'left', path: here.at('data.db') }]);
    here.write('data.db', 'new rows');
    const now = describeTree(here.live);
    expect(await backup.restore()).toMatchObject({ restored: [], displaced: [] });
    expect(describeTree(here.live)).toEqual(now);
  });
});
