import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withFileRights } from '../src/file-rights.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)('as root, with the rights of another user to change files', () => {
  it('what is closed to them cannot be written, and what is made belongs to them', () => {
    const directory = temporaryDirectory();
    fs.mkdirSync(`${directory}/below`, 0o777);
    fs.chmodSync(`${directory}/below`, 0o777);
    fs.writeFileSync(`${directory}/closed`, '', { mode: 0o600 });
    withFileRights(NOBODY, NOBODY, () => {
      expect(() => fs.openSync(`${directory}/closed`, 'r+')).toThrow(/EACCES/);
      expect(() => fs.writeFileSync(`${directory}/new`, '')).toThrow(/EACCES/);
      expect(() => fs.chownSync(`${directory}/closed`, NOBODY, NOBODY)).toThrow(/EPERM/);
      fs.writeFileSync(`${directory}/below/theirs`, '');
    });
    expect(fs.statSync(`${directory}/below/theirs`)).toMatchObject({ uid: NOBODY, gid: NOBODY });
  });

  it('root has its own again also after a failure, and other threads always had them', async () => {
    const directory = temporaryDirectory();
    let writing: Promise<void> | undefined;
    const failing = (): void =>
      withFileRights(NOBODY, NOBODY, () => {
        writing = fs.promises.writeFile(`${directory}/closed`, 'x', { mode: 0o600 });
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    await writing;
    expect(fs.statSync(`${directory}/closed`)).toMatchObject({ uid: 0, gid: 0 });
    fs.appendFileSync(`${directory}/closed`, 'x');
    fs.chownSync(`${directory}/closed`, NOBODY, NOBODY);
    expect(fs.readFileSync(`${directory}/closed`, 'utf8')).toBe('xx');
  });
});

it('changes nothing for root itself, or without root', () => {
  expect(withFileRights(isRoot ? 0 : NOBODY, 0, () => 'done')).toBe('done');
});
