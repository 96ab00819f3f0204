import fs from 'node:fs';
import { makeFifo, readAttributes, removeAttribute, setAttribute } from '@homeserver/system';
import { link } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { applyAttributes, attributesOf, sameAttributes } from '../../src/files/attributes.ts';
import { capturedFilesSchema } from '../../src/files/file-record.ts';
import { aclFor, BIND_CAPABILITY } from '../nasty-tree.ts';
import { asRoot, captureBackup, isRoot, otherFileSystem, scene, type Scene } from '../scene.ts';

const ACL = aclFor({ user: 1234, bits: 4 });

/** Everything that can have attributes, each with some. */
function dressed(): Scene {
  const here = scene({ d: { f: 'x', g: 'y' }, tool: 'z', l: link('tool') });
  makeFifo(here.at('pipe'), 0o600);
  setAttribute(here.at('d/f'), 'user.colour', Buffer.from('green'));
  setAttribute(here.at('d/f'), 'user.empty', Buffer.alloc(0));
  setAttribute(here.at('d/f'), 'user.\xff\n', Buffer.of(0, 0xff, 10));
  setAttribute(here.at('d'), 'user.of.directory', Buffer.from('1'));
  setAttribute(here.at('d'), 'system.posix_acl_default', ACL);
  setAttribute(here.at('d/g'), 'system.posix_acl_access', ACL);
  if (!isRoot) return here;
  for (const name of ['d', 'd/f', 'tool', 'l', 'pipe']) setAttribute(here.at(name), 'trusted.note', Buffer.from(name));
  setAttribute(here.at('tool'), 'security.capability', BIND_CAPABILITY);
  return here;
}

const names = ['d', 'd/f', 'd/g', 'tool', 'l', 'pipe'];
const all = (here: Scene): unknown[] =>
  names.map((name) => ({ name, has: readAttributes(here.at(name)), mode: fs.lstatSync(here.at(name)).mode }));

describe('extended attributes', () => {
  it('are recorded, as JSON', () => {
    const here = dressed();
    const { captured } = captureBackup(here, { paths: [here.live] });
    expect(captured.entries.find(({ path }) => path === here.at('d/g'))).toMatchObject({
      xattrs: { 'system.posix_acl_access': ACL.toString('base64') },
    });
    expect(capturedFilesSchema.parse(JSON.parse(JSON.stringify(captured)))).toEqual(captured);
  });

  it.each<[string, (here: Scene) => void]>([
    ['everything vanished', (here) => fs.rmSync(here.at('d'), { recursive: true })],
    ['they were taken away', (here) => removeAttribute(here.at('d/f'), 'user.colour')],
    ['one has another value', (here) => setAttribute(here.at('d'), 'user.of.directory', Buffer.from('2'))],
    ['one appeared', (here) => setAttribute(here.at('tool'), 'user.new', Buffer.of(1))],
    ['an ACL went', (here) => removeAttribute(here.at('d/g'), 'system.posix_acl_access')],
    ['an ACL came', (here) => setAttribute(here.at('d/f'), 'system.posix_acl_access', ACL)],
    ['the content changed', (here) => here.write('tool', 'changed')],
    [
      'a file was put in its place, and took its ACL from the directory',
      (here) => {
        fs.rmSync(here.at('d/f'));
        here.write('d/f', 'x');
      },
    ],
    ['nothing happened', () => {}],
  ])('are exactly as they were after a restore: %s', async (_, harm) => {
    for (const parent of [undefined, otherFileSystem()]) {
      const here = dressed();
      const before = all(here);
      const backup = captureBackup(here, { paths: [here.live] }, parent);
      harm(here);
      expect((await backup.restore()).warnings).toEqual([]);
      expect(all(here)).toEqual(before);
      expect(await backup.restore()).toMatchObject({ restored: [], adjusted: [], displaced: [] });
    }
  });

  asRoot('capabilities come back after the owner, who would take them along', async () => {
    const here = dressed();
    fs.chownSync(here.at('tool'), 1234, 5678);
    setAttribute(here.at('tool'), 'security.capability', BIND_CAPABILITY);
    const backup = captureBackup(here, { paths: [here.live] });
    fs.chownSync(here.at('tool'), 0, 0);
    expect(readAttributes(here.at('tool')).has('security.capability')).toBe(false);
    await backup.restore();
    expect(readAttributes(here.at('tool')).get('security.capability')).toEqual(BIND_CAPABILITY);
  });

  it('are on the copy too, for who puts it back by hand; capabilities never', () => {
    const here = dressed();
    const { directory } = captureBackup(here, { paths: [here.live] });
    for (const name of ['d', 'd/f', 'd/g', 'tool']) {
      const expected = new Map(readAttributes(here.at(name)));
      expected.delete('security.capability');
      expect(readAttributes(`${directory}/files${here.at(name)}`)).toEqual(expected);
    }
  });

  it.each([
    ['that its owner may not write', undefined, 0o444],
    ['whose ACL lets its owner only read', ACL, 0o400],
  ])('of a file %s are put back as well', async (_, acl, mode) => {
    const here = scene({ f: 'x' });
    setAttribute(here.at('f'), 'user.colour', Buffer.from('green'));
    if (acl !== undefined) setAttribute(here.at('f'), 'system.posix_acl_access', acl);
    fs.chmodSync(here.at('f'), mode);
    const before = readAttributes(here.at('f'));
    const backup = captureBackup(here, { paths: [here.at('f')] });
    fs.chmodSync(here.at('f'), 0o644);
    setAttribute(here.at('f'), 'user.colour', Buffer.from('red'));
    if (acl !== undefined) removeAttribute(here.at('f'), 'system.posix_acl_access');
    fs.chmodSync(here.at('f'), mode);
    expect((await backup.restore()).warnings).toEqual([]);
    expect(readAttributes(here.at('f'))).toEqual(before);
    expect(fs.statSync(here.at('f')).mode & 0o777).toBe(mode);
  });
});

describe('attributes that are not ours', () => {
  asRoot('a label of a security module is put back, and one that appeared is not taken away', () => {
    const here = scene({ f: '', g: '' });
    setAttribute(here.at('f'), 'security.selinux', Buffer.from('system_u:object_r:shadow_t:s0\0'));
    const labelled = attributesOf(here.at('f'));
    expect(sameAttributes(labelled, undefined)).toBe(true);
    expect(applyAttributes(here.at('f'), undefined)).toEqual([]);
    expect(attributesOf(here.at('f'))).toEqual(labelled);
    expect(sameAttributes(undefined, labelled)).toBe(false);
    expect(applyAttributes(here.at('g'), labelled)).toEqual([]);
    expect(attributesOf(here.at('g'))).toEqual(labelled);
  });

  it('what the file system refuses is told, and the others are set', () => {
    const here = scene({ f: '' });
    const green = Buffer.from('green').toString('base64');
    const wanted = { 'nowhere.known': green, 'user.colour': green };
    expect(applyAttributes(here.at('f'), wanted)).toEqual([
      expect.stringMatching(/^the attribute nowhere\.known was refused: /),
    ]);
    expect(readAttributes(here.at('f'))).toEqual(new Map([['user.colour', Buffer.from('green')]]));
  });
});
