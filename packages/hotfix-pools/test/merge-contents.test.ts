import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '@homeserver/test-support';
import fs from 'node:fs';
import { mergeContents } from '../src/merge-contents.ts';

const lines = (...text: string[]): Buffer => Buffer.from(`${text.join('\n')}\n`);

describe('a merge', () => {
  it('brings together what was changed in different places', async () => {
    const scratch = temporaryDirectory();
    const merge = await mergeContents(
      {
        shippedBefore: lines('one', 'two', 'three', 'four', 'five'),
        owner: lines('ONE', 'two', 'three', 'four', 'five'),
        shippedNow: lines('one', 'two', 'three', 'four', 'FIVE'),
      },
      scratch,
    );
    expect(merge).toEqual({ content: lines('ONE', 'two', 'three', 'four', 'FIVE') });
    expect(fs.readdirSync(scratch)).toEqual([]);
  });

  it('marks what was changed in the same place by both', async () => {
    const input = { shippedBefore: lines('old'), owner: lines('mine'), shippedNow: lines('theirs') };
    expect(await mergeContents(input, temporaryDirectory())).toEqual({
      conflicts: 1,
      marked: [
        '<<<<<<< owner',
        'mine',
        '||||||| shipped before',
        'old',
        '=======',
        'theirs',
        '>>>>>>> shipped now\n',
      ].join('\n'),
    });
  });

  it('of files that are no text is refused', async () => {
    const binary = Buffer.from([0, 1, 2, 255]);
    const input = { shippedBefore: binary, owner: Buffer.from([0, 9]), shippedNow: Buffer.from([0, 8]) };
    await expect(mergeContents(input, temporaryDirectory())).rejects.toThrow(/^cannot merge: /);
  });
});
