import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentOfBlock, withBlock, withoutBlock } from '../../src/operations/appended-block.ts';

const name = { marker: '# HOTFIX', identifier: 'security_patch_001' };
const block = '# HOTFIX BEGIN security_patch_001\nadd_header X 1;\n# HOTFIX END security_patch_001\n';
const content = 'add_header X 1;\n';

describe('a block', () => {
  it.each([
    ['an empty file', '', block],
    ['a file', 'server {\n}\n', `server {\n}\n${block}`],
    ['a file that does not end with a newline', 'server {}', `server {}\n${block}`],
  ])('is added to %s at its end', (_, text, expected) => expect(withBlock(text, name, content)).toBe(expected));

  it('is replaced where it stands, with what the owner has written around it left alone', () => {
    const text = `mine before\n${block}mine after\n`;
    expect(withBlock(text, name, 'new 1;\nnew 2;')).toBe(
      'mine before\n# HOTFIX BEGIN security_patch_001\nnew 1;\nnew 2;\n# HOTFIX END security_patch_001\nmine after\n',
    );
    expect(contentOfBlock(text, name)).toBe(content);
  });

  it('is found when its marks were indented', () => {
    expect(contentOfBlock(block.replaceAll('# HOTFIX', '    # HOTFIX'), name)).toBe(content);
  });

  it('stands beside others of another name', () => {
    const two = withBlock(withBlock('', name, 'one\n'), { ...name, identifier: 'other' }, 'two\n');
    expect([contentOfBlock(two, name), contentOfBlock(two, { ...name, identifier: 'other' })]).toEqual([
      'one\n',
      'two\n',
    ]);
    expect(contentOfBlock(two, { ...name, identifier: 'third' })).toBeUndefined();
  });

  it.each([
    ['its end is lost', block.replace(/.*END.*\n/, '')],
    ['its begin is lost', block.replace(/.*BEGIN.*\n/, '')],
    ['its marks have changed places', block.split('\n').toReversed().join('\n')],
  ])('is refused when %s', (_, text) => {
    expect(() => withBlock(text, name, content)).toThrow(
      /the line "# HOTFIX (BEGIN|END) security_patch_001" is missing or out of place/,
    );
    expect(() => withoutBlock(text, name)).toThrow('security_patch_001');
  });

  it('added twice is there once, and taken out again leaves the file as it was', () => {
    const line = fc.string({ maxLength: 20 }).filter((text) => !/[\n]|HOTFIX/.test(text));
    const text = fc.array(line, { maxLength: 10 }).map((lines) => lines.map((one) => `${one}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, added) => {
        const once = withBlock(before, name, added);
        expect(withBlock(once, name, added)).toBe(once);
        expect(contentOfBlock(once, name)).toBe(added);
        expect(withoutBlock(once, name)).toBe(before);
      }),
    );
  });
});
