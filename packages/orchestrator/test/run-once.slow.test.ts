import fs from 'node:fs';
import path from 'node:path';
import { atEachPoint, countCalls, describeUnderSupervision, faultPoints, killAtCall } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { home, install, main, module, runAll, updaterCommand, type Home } from './support.ts';

vi.setConfig({ testTimeout: 600_000 });

const KILLS = 12;

interface Under {
  here: Home;
  file: string;
  flag: string;
}

/** The migration adds a line, so that both making it twice and losing it would show. */
function migrating(): Under {
  const here = home();
  const file = path.join(here.root, 'etc/lists');
  fs.mkdirSync(path.dirname(file));
  fs.writeFileSync(file, 'old\n');
  const body = `
    const changed = await context.once('add-new', () =>
      context.state.guard('lists', { files: ['${file}'] }, async () => fs.appendFileSync('${file}', 'new\\n')));
    return { success: true, changed };`;
  install(here, 'lists', '1.0.0', module('1.0.0', main(body)));
  return { here, file, flag: path.join(here.server.paths.moduleStates, 'lists/.once/add-new.json') };
}

const watched = ({ here }: Under) => ({ under: [here.server.paths.backupDir, here.server.paths.moduleStates] });

await describeUnderSupervision('a run that is killed while something is done once', () => {
  it(`has done it and says so, or neither, at ${KILLS} of its calls; and the next run makes it whole`, async () => {
    const counting = migrating();
    const { calls } = await countCalls(updaterCommand(counting.here), watched(counting));
    expect(fs.readFileSync(counting.file, 'utf8')).toBe('old\nnew\n');
    const points = faultPoints(calls.length, KILLS);
    const problems = await atEachPoint(points, async (n) => {
      const under = migrating();
      const { firedAt } = await killAtCall(updaterCommand(under.here), n, watched(under));
      const found: string[] = [];
      // It recovers, and runs nothing; what was just killed may still be on its way out.
      await runAll(under.here, { modules: [], waitMs: 10_000 });
      const isDone = fs.readFileSync(under.file, 'utf8') === 'old\nnew\n';
      if (isDone !== fs.existsSync(under.flag)) found.push(`done: ${isDone}, and the flag says otherwise`);
      const { lists } = await runAll(under.here);
      if (lists?.changed === isDone) found.push(`done: ${isDone}, and the next run changed: ${lists.changed}`);
      const text = fs.readFileSync(under.file, 'utf8');
      if (text !== 'old\nnew\n' || !fs.existsSync(under.flag))
        found.push(`after the next run: ${JSON.stringify(text)}`);
      return found.map((problem) => `killed at call ${n} (${firedAt}): ${problem}`);
    });
    expect(problems).toEqual([]);
  });
});
