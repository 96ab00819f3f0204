import fs from 'node:fs';
import path from 'node:path';
import { atEachPoint, countCalls, describeUnderSupervision, faultPoints, killAtCall } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { runLegacy } from '../../src/legacy/run-legacy.ts';
import { legacyHome, succeed, type LegacyHome } from './legacy-home.ts';

vi.setConfig({ testTimeout: 600_000 });

const KILLS = 12;
const failing = "await note('b'); throw new Error('no');";

function threeOfWhichOneFails(): LegacyHome {
  const here = legacyHome();
  const once = (name: string): string =>
    `if (fs.readFileSync('${here.root}/notes', 'utf8').includes('${name}')) return { success: true }; ${succeed}`;
  here.modules({ a: once('a'), b: failing, c: once('c') });
  here.manifest({ name: 'all', children: ['a', 'b', 'c'] }, here.update('a'), here.update('b'), here.update('c'));
  return here;
}

/** Starts the run in a process of its own. */
function commandOf({ root, server }: LegacyHome): [string, string] {
  const { modulesPath, stateDir, localRepo, backupDir } = server.paths;
  const script = path.join(root, 'legacy.mjs');
  const source = path.join(import.meta.dirname, '../../src');
  fs.writeFileSync(
    script,
    `import { openServer } from '${source}/server.ts';
     import { runLegacy } from '${source}/legacy/run-legacy.ts';
     await runLegacy(openServer(${JSON.stringify({ modulesPath, stateDir, localRepo, backupDir })}));`,
  );
  return [process.execPath, script];
}

/** What is wrong with the manifest: nothing, when it is whole, and claims of no update what did not happen. */
function wrongIn(here: LegacyHome, whole: string): string[] {
  const text = fs.readFileSync(here.file, 'utf8');
  if (text.replaceAll(/"lastApplied": \d+/g, '"lastApplied": null') !== whole) return [`the manifest is ${text}`];
  const claimed = here.read().updates.filter(({ lastApplied }) => typeof lastApplied === 'number');
  return claimed.filter(({ name }) => !here.noted().includes(name)).map(({ name }) => `${name} is said to be applied`);
}

const watched = ({ server }: LegacyHome) => ({ under: [server.paths.modulesPath, server.paths.backupDir] });

await describeUnderSupervision('a legacy run that is killed', () => {
  it(`leaves a whole manifest and whole changes, at ${KILLS} of its calls; the next run completes it`, async () => {
    const counting = threeOfWhichOneFails();
    const { calls } = await countCalls(commandOf(counting), watched(counting));
    expect(counting.noted()).toEqual(['a', 'c']);
    const problems = await atEachPoint(faultPoints(calls.length, KILLS), async (n) => {
      const here = threeOfWhichOneFails();
      const whole = fs.readFileSync(here.file, 'utf8');
      const { firedAt } = await killAtCall(commandOf(here), n, watched(here));
      const found = wrongIn(here, whole);
      const { outcomes } = await runLegacy(here.server, { waitMs: 10_000 });
      const statuses = outcomes.map(({ status }) => status).join();
      if (statuses !== 'succeeded,failed,succeeded') found.push(`the next run: ${statuses}`);
      if (here.noted().join() !== 'a,c') found.push(`noted: ${here.noted().join()}`);
      found.push(...wrongIn(here, whole));
      return found.map((problem) => `killed at call ${n} (${firedAt}): ${problem}`);
    });
    expect(problems).toEqual([]);
  });
});
