import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { countCalls, describeUnderSupervision, faultPoints, killAtCall } from '@homeserver/test-support';
import { OperationsServer } from './operations-server.ts';

const fixture = path.join(import.meta.dirname, '../fixtures/apply-hotfixes.ts');

/** One operation of each type; the script counts in a file that its rollback script empties. */
function server(): OperationsServer {
  const here = new OperationsServer({ 'auth.py': 'old\n', 'nginx.conf': 'server {}\n', tool: 'an old tool\n' });
  here.sources({
    'auth.py': 'new\n',
    'headers.conf': 'add_header X 1;\n',
    tool: 'a new tool\n',
    'migrate.sh': 'echo migrated > LIVE/database\n',
    'unmigrate.sh': 'rm -f LIVE/database\n',
  });
  here.operations('1.0.0', [
    { id: 'auth', type: 'copy', source: 'auth.py', target: 'LIVE/auth.py' },
    { id: 'migrate', type: 'execute', source: 'migrate.sh', rollback_script: 'unmigrate.sh' },
    { id: 'headers', type: 'append', source: 'headers.conf', target: 'LIVE/nginx.conf' },
    { id: 'tool', type: 'symlink', source: 'tool', target: 'LIVE/tool' },
  ]);
  return here;
}

function stateOf(here: OperationsServer): string[] {
  const link = fs.lstatSync(path.join(here.live, 'tool')).isSymbolicLink();
  const names = fs.readdirSync(here.live).sort().join(' ');
  return [here.read('auth.py'), here.read('nginx.conf'), here.read('tool'), String(link), names];
}

const OLD = ['old\n', 'server {}\n', 'an old tool\n', 'false', 'auth.py nginx.conf tool'];
const NEW = [
  'new\n',
  'server {}\n# HOTFIX BEGIN headers\nadd_header X 1;\n# HOTFIX END headers\n',
  'a new tool\n',
  'true',
  'auth.py database nginx.conf tool',
];

const leftIn = (here: OperationsServer): string[] =>
  fs
    .readdirSync(here.root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('.homeserver-updates-'));

const run = (here: OperationsServer): [string, ...string[]] => [process.execPath, fixture, here.root];
const under = (here: OperationsServer) => ({ under: [here.root], alsoExec: true });

await describeUnderSupervision('operations, killed at any call,', () => {
  it('are all done or all undone after a recovery, and the next run completes them', async () => {
    const undisturbed = server();
    const counted = await countCalls(run(undisturbed), under(undisturbed));
    expect(stateOf(undisturbed)).toEqual(NEW);
    const ends = { old: 0, new: 0 };
    for (const n of faultPoints(counted.calls.length, 25)) {
      const here = server();
      const cut = await killAtCall(run(here), n, under(here));
      const { damaged } = await here.state().recover();
      const isNew = here.read('auth.py') === 'new\n';
      expect({ at: cut.firedAt, damaged, state: stateOf(here) }).toEqual({
        at: cut.firedAt,
        damaged: [],
        state: isNew ? NEW : OLD,
      });
      expect(fs.existsSync(path.join(here.stateDir, 'operations/applied.json'))).toBe(isNew);
      ends[isNew ? 'new' : 'old'] += 1;
      await here.applyOperations();
      expect(stateOf(here)).toEqual(NEW);
      expect({ at: cut.firedAt, left: leftIn(here) }).toEqual({ at: cut.firedAt, left: [] });
    }
    // Else the cuts fell outside of the work.
    expect(ends.old).toBeGreaterThan(0);
    expect(ends.new).toBeGreaterThan(0);
  }, 240_000);
});
