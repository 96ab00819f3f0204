import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withFileRights } from '../src/file-rights.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)('as root, with the rights of another user on files', () => {
  it('what is closed to them cannot be opened, and what is made belongs to them', () => {
    const directory = temporaryDirectory();
    fs.chmodSync(directory, 0o777);
    fs.writeFileSync(`${directory}/closed`, '', { mode: 0o600 });
    withFileRights(NOBODY, NOBODY, () => {
      expect(() => fs.openSync(`${directory}/closed`, 'r')).toThrow(/EACCES/);
      fs.writeFileSync(`${directory}/theirs`, '');
    });
    expect(fs.statSync(`${directory}/theirs`)).toMatchObject({ uid: NOBODY, gid: NOBODY });
    expect(fs.readFileSync(`${directory}/closed`, 'utf8')).toBe('');
  });

  it('root has its own again also after a failure, and other threads always had them', async () => {
    const directory = temporaryDirectory();
    let reading: Promise<string> | undefined;
    fs.writeFileSync(`${directory}/closed`, 'x', { mode: 0o600 });
    const failing = (): void =>
      withFileRights(NOBODY, NOBODY, () => {
        reading = fs.promises.readFile(`${directory}/closed`, 'utf8');
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(await reading).toBe('x');
    expect(fs.readFileSync(`${directory}/closed`, 'utf8')).toBe('x');
  });
});

it('changes nothing for root itself, or without root', () => {
  expect(withFileRights(isRoot ? 0 : NOBODY, 0, () => 'done')).toBe('done');
});
