import fs from 'node:fs';
import path from 'node:path';
import { lastScreen } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { repositoryWith } from './support/module-files.ts';
import { onTerminal } from './support/on-terminal.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

const WHY = 'photo 11 of 40 cannot be written, because the disk of this machine has no room for it any more';

/** A server with two modules, of which one has a new version that fails. */
async function withFailure(): Promise<ServerFolder> {
  const server = await serverFolder();
  await server.repository.commit(repositoryWith({ adblock: { version: '1.0.0' }, album: { version: '1.0.0' } }));
  await server.updater('run');
  const main = `await new Promise((resolve) => setTimeout(resolve, 600)); throw new Error(${JSON.stringify(WHY)});`;
  await server.repository.commit(
    repositoryWith({
      adblock: { version: '1.1.0', main: 'return { success: true, changed: true };' },
      album: { version: '2.0.0', main },
    }),
  );
  return server;
}

const CLEAR = String.raw`\r(\u001b\[1A)?\u001b\[J`;

describe('a run on a terminal', { timeout: 60_000 }, () => {
  it('shows what goes on, and leaves what has ended and a summary with what to type', async () => {
    const server = await withFailure();
    const { exitCode, screen } = await onTerminal(server, 'run');
    expect(exitCode).toBe(3);
    expect(screen).toMatch(new RegExp(`[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] album 2\\.0\\.0\\n  1 of 2 modules${CLEAR}`));
    expect(screen).toMatch(/asking the repository\n {2}receiving: \d+ of \d+ objects, \d/);
    expect(screen).not.toContain('\u001b[?'); // The cursor is never hidden: a kill must leave a terminal that works.
    const lines = lastScreen(screen).map((line) =>
      line.replaceAll(/\((\d+ ms|[\d.]+ s)\)/g, '(TIME)').replaceAll(/\d{8}T\d{6}Z-\w+/g, 'RUN'),
    );
    expect(lines).toEqual([
      expect.stringMatching(/^✓ repository at [0-9a-f]{12}$/),
      '✓ adblock 1.0.0 → 1.1.0',
      '✓ album 1.0.0 → 2.0.0',
      '✓ adblock 1.1.0: changed (TIME)',
      "✗ Module 'album' failed: photo 11 of 40 cannot be written, because the disk of",
      '  this machine has no room for it any more (index.ts:3)',
      "! Module 'album' 2.0.0 was rolled back: 1.0.0 is back",
      'Run RUN done: 1 module updated, 2 run, 1 failed.',
      'Updated: adblock 1.0.0 → 1.1.0',
      'Changed something: adblock',
      'Failed: album 2.0.0: photo 11 of 40 cannot be written, because the disk of this',
      '  machine has no room for it any more (index.ts:3); rolled back: 1.0.0 is back',
      'Why, and what comes next: updater why album',
      'Once that is mended: updater run --retry --module album',
      'All of it: updater history RUN',
    ]);
  });

  it.each([20, 40, 80, 200])('keeps within %i columns', async (columns) => {
    const server = await withFailure();
    for (const words of ['plan', 'run', 'status', 'modules list', 'doctor', 'history', 'config show']) {
      const { screen } = await onTerminal(server, words, { columns });
      expect(lastScreen(screen).filter((line) => line.length > columns)).toEqual([]);
    }
  });

  it('has no colours with NO_COLOR, and plain signs where the locale has no others', async () => {
    const server = await withFailure();
    const { screen } = await onTerminal(server, 'run', { environment: { NO_COLOR: '1', LC_ALL: 'C' } });
    expect(screen).not.toMatch(/\u001b\[[\d;]*m/);
    expect(lastScreen(screen)).toContain('+ adblock 1.0.0 -> 1.1.0');
    expect(lastScreen(screen)).toContain('Updated: adblock 1.0.0 -> 1.1.0');
    expect(screen).not.toMatch(/[^\0-\x7f]/);
    const coloured = await onTerminal(server, 'run');
    expect(coloured.screen).toContain('\u001b[32m✓\u001b[39m');
  });

  it('is plain lines on TERM=dumb, with --verbose, and in a pipe', async () => {
    const server = await withFailure();
    const dumb = await onTerminal(server, 'run', { environment: { TERM: 'dumb' } });
    const verbose = await onTerminal(server, 'run --verbose');
    const piped = await server.updater('run');
    for (const text of [dumb.screen, verbose.screen, piped.stdout]) {
      expect(text).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[INFO\] Executing module: adblock$/m);
      expect(text).not.toContain('\u001b');
    }
    expect(verbose.screen).toMatch(/\] \[DEBUG\] /);
  });

  it('has signs that the locale of the terminal can show, also in lines of the log and in answers', async () => {
    const server = await withFailure();
    const plain = { environment: { LC_ALL: 'C' } };
    const run = await onTerminal(server, 'run --verbose', plain);
    expect(run.screen).toMatch(/\] \[INFO\] Module album needs update: 1\.0\.0 -> 2\.0\.0$/m);
    expect(run.screen).toMatch(/\] \[INFO\] \+ Module 'adblock' executed successfully$/m);
    expect(run.screen).toMatch(/\] \[ERROR\] x Module 'album' failed: /);
    const doctor = await onTerminal(server, 'doctor', plain);
    expect(doctor.screen).toMatch(/^ +-> updater trust init KEY\.pub$/m);
    for (const { screen } of [run, doctor]) expect(screen).not.toMatch(/[^\0-\x7f]/);
    expect(fs.readFileSync(server.logFile, 'utf8')).toContain("✓ Module 'adblock' executed successfully");
    expect((await onTerminal(server, 'doctor')).screen).toMatch(/^ +→ updater trust init KEY\.pub$/m);
  });

  it('with --quiet is only warnings, errors and the summary', async () => {
    const server = await withFailure();
    const { exitCode, stdout } = await server.updater('run', '--quiet');
    expect(exitCode).toBe(3);
    expect(stdout).not.toContain('[INFO]');
    expect(stdout).toMatch(
      /^\[[^\]]*\] \[ERROR\] ✗ Module 'album' failed: .*\n.*\[WARNING\] .*rolled back.*\nRun .* done: /,
    );
    const note = path.join(server.root, 'note');
    fs.writeFileSync(note, '');
    const again = await onTerminal(server, `backup adblock --file ${note} --quiet`);
    expect(again.screen).toMatch(/^Backed up adblock: 1 path in .*\n$/);
    expect((await server.updater('run', '--quiet', '--verbose')).exitCode).toBe(2);
  });
});

describe('updater status on a terminal', { timeout: 60_000 }, () => {
  it('fits one screen: what a person should look at comes first, and the rest is counted', async () => {
    const server = await serverFolder();
    const fine = Array.from({ length: 30 }, (_, at) => [`m${at}`, { version: '1.0.0' }]);
    const bad = { version: '1.0.0', main: "throw new Error('it broke');" };
    await server.repository.commit(repositoryWith({ ...Object.fromEntries(fine), zzz: bad }));
    await server.updater('run');
    const { screen } = await onTerminal(server, 'status', { rows: 24, columns: 120 });
    const lines = lastScreen(screen);
    expect(lines.length).toBeLessThan(24);
    expect(lines[1]).toMatch(/^zzz .*not installed; 1\.0\.0 failed/);
    expect(lines).toContainEqual(expect.stringMatching(/^And \d+ more, which are ok: updater status \| less$/));
    expect((await server.updater('status')).stdout.split('\n').length).toBeGreaterThan(31);
  });
});
