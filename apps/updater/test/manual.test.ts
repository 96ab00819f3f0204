import { spawnSync } from 'node:child_process';
import { ensureDebianPackages } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { keyOf, settingNames } from '../src/settings/settings.ts';
import { program } from './support/run-updater.ts';

const missing = await ensureDebianPackages(['mandoc']);
if (missing.length > 0) process.stderr.write('LEFT OUT: the check of manual pages: mandoc is not installed\n');

function page(name: string): string {
  return spawnSync(process.execPath, [program, 'manual', name], { encoding: 'utf8' }).stdout;
}

function mandoc(input: string, ...args: string[]): string {
  return spawnSync('mandoc', args, { input, encoding: 'utf8' }).stdout;
}

describe('the manual', { timeout: 60_000 }, () => {
  it.skipIf(missing.length > 0).each(['updater', 'settings'])('page %s has no mistake that mandoc knows', (name) => {
    const complaints = mandoc(page(name), '-T', 'lint', '-W', 'warning').split('\n').filter(Boolean);
    expect(complaints.filter((line) => !line.includes('missing date'))).toEqual([]);
  });

  it.skipIf(missing.length > 0)('shows each command with its own flags and an example', () => {
    const shown = mandoc(page('updater'), '-T', 'ascii').replaceAll(/.\x08/g, '');
    expect(shown).toMatch(/restore <module>\n +Put the backup/);
    expect(shown).toContain('--allow-downgrade <module>');
    expect(shown).toMatch(/^ +128\+n$|^ +128\+n /m);
  });

  it('explains every key of the settings file', () => {
    const text = page('settings').replaceAll('\\-', '-');
    expect(settingNames.map(keyOf).filter((key) => !text.includes(`\\fB${key}\\fR\n`))).toEqual([]);
  });
});
