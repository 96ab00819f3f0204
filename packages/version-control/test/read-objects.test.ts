import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toRawPath } from '@homeserver/system';
import { file, link, makeTree } from '@homeserver/test-support';
import fs from 'node:fs';
import { openMirror, readBlobs, readTreeEntries, syncMirror } from '../src/index.ts';
import { refusal, scene } from './support.ts';

describe('readTreeEntries', () => {
  it('lists a directory as git has it, names in bytes', async () => {
    const { remote, mirror } = await scene();
    makeTree(remote.directory, {
      nasty: { 'a b\n"c"\t': 'x', run: file('#!/bin/sh\n', 0o755), away: link('run'), sub: { deep: 'y' } },
    });
    fs.writeFileSync(Buffer.concat([Buffer.from(`${remote.directory}/nasty/`), Buffer.from([0xff, 0xfe])]), 'z');
    const commit = await remote.commit({});
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const entries = await readTreeEntries(mirror, `${commit}:nasty`);
    expect(entries.map(({ path: name, mode, type }) => [name, mode, type])).toEqual([
      ['a b\n"c"\t', '100644', 'blob'],
      ['away', '120000', 'blob'],
      ['run', '100755', 'blob'],
      ['sub', '040000', 'tree'],
      [toRawPath(Buffer.from([0xff, 0xfe])), '100644', 'blob'],
    ]);
    expect(entries.find(({ path: name }) => name === 'sub')?.id).toBe(await remote.git('rev-parse', 'HEAD:nasty/sub'));
  });

  it('lists everything below when asked to', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const names = (await readTreeEntries(mirror, `${commit}:modules`, { recursive: true })).map((entry) => entry.path);
    expect(names).toEqual(['adblock/index.json', 'adblock/index.ts']);
  });

  it('says that a path is not there, or is no directory', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await expect(readTreeEntries(mirror, `${commit}:orchestrator`)).rejects.toThrow(
      refusal('not-found', /cannot find the directory [0-9a-f]+:orchestrator/),
    );
    const tree = await remote.git('rev-parse', 'HEAD:modules');
    await expect(readTreeEntries(mirror, `${tree}:nothing`)).rejects.toThrow(refusal('not-found'));
    await expect(readTreeEntries(mirror, 'e'.repeat(40))).rejects.toThrow(refusal('not-found'));
    await expect(readTreeEntries(mirror, 'develop:modules')).rejects.toThrow(refusal('not-found'));
    await expect(readTreeEntries(mirror, `${commit}:index.json`)).rejects.toThrow(refusal('not-found'));
    expect((await syncMirror(mirror, { url: remote.url, branch: 'main' })).fetched).toBe(false);
  });

  it('refuses what is more than a commit and a path', async () => {
    const { mirror } = await scene();
    await expect(readTreeEntries(mirror, '--help')).rejects.toThrow(refusal('bad-ref'));
  });
});

describe('readBlobs', () => {
  it('gives contents by id, whatever is in them', async () => {
    const { remote, mirror } = await scene();
    const contents = ['', '\n', 'text\n', '\0\xff\n\n', 'x'.repeat(300_000)].map((text) => Buffer.from(text, 'latin1'));
    const commit = await remote.commit({
      b: Object.fromEntries(contents.map((content, index) => [`f${index}`, content])),
    });
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const ids = (await readTreeEntries(mirror, `${commit}:b`)).map(({ id }) => id);
    const blobs = await readBlobs(mirror, [...ids, ...ids]);
    expect(blobs.size).toBe(5);
    expect(ids.map((id) => blobs.get(id))).toEqual(contents);
  });

  it('gives nothing for nothing', async () => {
    expect(await readBlobs(openMirror({ directory: '/nonexistent' }), [])).toEqual(new Map());
  });

  it('refuses a file that is larger than the limit, before it is read', async () => {
    const { remote, mirror } = await scene();
    const commit = await remote.commit({ big: 'x'.repeat(9_000_000) });
    await syncMirror(mirror, { url: remote.url, branch: 'main' });
    const id = (await readTreeEntries(mirror, commit)).find((entry) => entry.path === 'big')?.id ?? '';
    await expect(readBlobs(mirror, [id], { maxBytes: 1000 })).rejects.toThrow(
      refusal('too-large', /9000000 bytes, the limit is 1000/),
    );
    await expect(readBlobs(mirror, [id])).rejects.toThrow(refusal('too-large'));
  });

  it('refuses what is no file and what is no id', async () => {
    const { remote, mirror } = await scene();
    const { commit } = await syncMirror(mirror, { url: remote.url, branch: 'main' });
    await expect(readBlobs(mirror, [commit])).rejects.toThrow(refusal('not-found', /it is a commit/));
    await expect(readBlobs(mirror, ['HEAD'])).rejects.toThrow(refusal('bad-ref'));
  });

  it('says where there is no mirror', async () => {
    const { directory } = await scene();
    const nowhere = openMirror({ directory: path.join(directory, 'nowhere') });
    await expect(readBlobs(nowhere, ['a'.repeat(40)])).rejects.toThrow(refusal('not-found', /no mirror/));
    await expect(readTreeEntries(nowhere, 'main')).rejects.toThrow(refusal('not-found', /no mirror/));
  });
});
