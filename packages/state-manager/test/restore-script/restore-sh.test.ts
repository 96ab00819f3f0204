import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const source = path.join(import.meta.dirname, '../../src/restore-script');

/** A module that exports the text, line by line, quoted as the formatter quotes. */
function moduleOf(text: string): string {
  const lines = text.split('\n').map((line) => {
    const quote = line.split("'").length > line.split('"').length ? '"' : "'";
    return `  ${quote}${line.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)}${quote},`;
  });
  return [
    '/** restore.sh as it is, so that it travels with whatever this package is bundled into. After a change: vitest -u */',
    'export const RESTORE_SCRIPT: string = [',
    ...lines,
    "].join('\\n');",
    '',
  ].join('\n');
}

it('restore-sh.ts holds restore.sh', async () => {
  const script = fs.readFileSync(path.join(source, 'restore.sh'), 'utf8');
  await expect(moduleOf(script)).toMatchFileSnapshot(path.join(source, 'restore-sh.ts'));
});
