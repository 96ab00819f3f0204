import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from '@homeserver/system';
import { describe, expect, it } from 'vitest';
import type { NewOperation, OperationRecorder } from '../src/operations/record-operation.ts';
import { coded, expectNothingOpen, journalOf } from './expectations.ts';
import { scene, type Scene } from './scene.ts';

const logOf = (here: Scene): string => path.join(here.backupDir, 'operations.json');
const outcomesIn = (here: Scene): [string, string][] =>
  here
    .stateManager()
    .listOperations()
    .map(({ id, outcome }) => [id, outcome]);

/** A rollback script that notes its name, and what it sees of a file, in <root>/trace. */
function script(here: Scene, id: string, body = ''): NonNullable<NewOperation['rollbackScript']> {
  const file = path.join(here.root, `${id}.sh`);
  fs.writeFileSync(file, `#!/bin/sh\necho "${id} sees $(cat ${here.at('config')})" >> ${here.root}/trace\n${body}\n`);
  return { file };
}
const traceOf = (here: Scene): string[] =>
  fs.existsSync(`${here.root}/trace`) ? fs.readFileSync(`${here.root}/trace`, 'utf8').trim().split('\n') : [];

/** Records an operation, and does it. */
async function operate(recorder: OperationRecorder, operation: NewOperation, act: () => void): Promise<void> {
  await recorder.begin(operation);
  act();
  await recorder.end(operation.id, 'applied');
}

/** Four operations as a hotfix document has them: two scripts, and a file changed before, between and after them. */
async function applyDocument(here: Scene, recorder: OperationRecorder, last: () => void = () => {}): Promise<void> {
  const config = here.at('config');
  await operate(recorder, { id: 'migrate', type: 'execute', rollbackScript: script(here, 'migrate') }, () =>
    here.write('database', 'new'),
  );
  await operate(recorder, { id: 'config', type: 'copy', target: config }, () => here.write('config', 'new'));
  await operate(recorder, { id: 'restart', type: 'execute', rollbackScript: script(here, 'restart') }, () => {});
  await operate(recorder, { id: 'tool', type: 'symlink', target: here.at('tool') }, () =>
    fs.symlinkSync('/bin/true', here.at('tool')),
  );
  await recorder.begin({ id: 'check', type: 'execute' });
  last();
  await recorder.end('check', 'applied');
}

const request = (here: Scene): { files: string[]; operations: true } => ({
  files: [here.at('config'), here.at('tool'), here.at('database')],
  operations: true,
});

async function applied(): Promise<Scene> {
  const here = scene({ config: 'old', database: 'old' });
  await here.stateManager().guard('hotfix', request(here), (recorder) => applyDocument(here, recorder));
  return here;
}

describe('operations of a change that succeeded', () => {
  it('are in operations.json, with the state before them and how they ended', async () => {
    const here = await applied();
    const log = JSON.parse(fs.readFileSync(logOf(here), 'utf8')) as { format: number; entries: object[] };
    expect(log.format).toBe(1);
    const backup = { slot: 'hotfix', id: expect.stringMatching(/^[0-9a-f]{12}$/) as string };
    expect(log.entries.slice(0, 2)).toMatchObject([
      { id: 'migrate', type: 'execute', target: null, backup, rollback_script: { name: 'scripts/migrate' } },
      { id: 'config', type: 'copy', target: here.at('config'), backup, rollback_script: null, outcome: 'applied' },
    ]);
    expect(fs.statSync(logOf(here)).mode & 0o777).toBe(0o600);
    expect(here.stateManager().listOperations().at(-1)).toMatchObject({
      id: 'check',
      slot: 'hotfix',
      outcome: 'applied',
      hasRollbackScript: false,
    });
    expectNothingOpen(here);
  });

  it('are rolled back by another process newest first, each script with the files as its operation left them', async () => {
    const here = await applied();
    for (const name of ['migrate', 'restart']) fs.rmSync(`${here.root}/${name}.sh`); // The module is gone, its scripts are kept.
    const [undone, ...others] = await here.stateManager().rollBackOperations();
    expect(others).toEqual([]);
    expect(undone).toMatchObject({ slot: 'hotfix', kind: 'rollback', outcome: 'restored' });
    expect(undone?.operations).toEqual([
      { id: 'check', type: 'execute', target: undefined, outcome: 'no-rollback-script' },
      { id: 'tool', type: 'symlink', target: here.at('tool'), outcome: 'rolled-back' },
      { id: 'restart', type: 'execute', target: undefined, outcome: 'rolled-back' },
      { id: 'config', type: 'copy', target: here.at('config'), outcome: 'rolled-back' },
      { id: 'migrate', type: 'execute', target: undefined, outcome: 'rolled-back' },
    ]);
    expect(traceOf(here)).toEqual(['restart sees new', 'migrate sees old']);
    expect([here.read('config'), here.read('database'), fs.readdirSync(here.live)]).toEqual([
      'old',
      'old',
      ['config', 'database'],
    ]);
    expect(undone?.report?.displaced.map(({ from }) => from).sort()).toEqual(
      [here.at('config'), here.at('database'), here.at('tool')].sort(),
    );
    expect(new Set(outcomesIn(here).map(([, outcome]) => outcome))).toEqual(new Set(['rolled-back']));
    const lines = fs.readFileSync(path.join(here.backupDir, 'rollback.log'), 'utf8').trim().split('\n');
    expect(lines[0]).toMatch(/^\[\d{4}-.*\] \[WARNING\] check \(execute\) has no rollback script: /);
    expect(lines.slice(1).map((line) => line.replace(/^.*\[INFO\] /, ''))).toEqual([
      'rolled back restart (execute)',
      'rolled back migrate (execute)',
      `rolled back tool (symlink ${here.at('tool')})`,
      `rolled back config (copy ${here.at('config')})`,
    ]);
    expectNothingOpen(here);
  });

  it('that were rolled back are not touched again', async () => {
    const here = await applied();
    const state = here.stateManager();
    await state.rollBackOperations();
    here.write('config', 'the owner has been here');
    expect(await state.rollBackOperations()).toEqual([]);
    expect(here.read('config')).toBe('the owner has been here');
    expect(traceOf(here)).toHaveLength(2);
  });

  it('are rolled back by a log that lies elsewhere, and for one slot alone', async () => {
    const here = await applied();
    await here
      .stateManager()
      .guard('other', { files: [here.at('other')], operations: true }, (recorder) =>
        operate(recorder, { id: 'other', type: 'copy', target: here.at('other') }, () => here.write('other', 'new')),
      );
    const file = path.join(here.root, 'hotfix_operations.json');
    fs.copyFileSync(logOf(here), file);
    const slots = (await here.stateManager().rollBackOperations({ file, slot: 'other' })).map(({ slot }) => slot);
    expect([slots, fs.existsSync(here.at('other')), here.read('config')]).toEqual([['other'], false, 'new']);
    expect((await here.stateManager().rollBackOperations({ file })).map(({ slot }) => slot)).toEqual(['hotfix']);
    expect(here.read('config')).toBe('old');
    await expect(here.stateManager().rollBackOperations({ file: '/nonexistent/log.json' })).rejects.toThrow(
      coded('invalid-request', /^there is no operation log \/nonexistent\/log\.json$/),
    );
  });

  it('keep their backup when the slot is backed up again, and lose it to the next change of the slot', async () => {
    const here = await applied();
    const state = here.stateManager();
    await state.backupModuleState('hotfix', { files: [here.at('config')] });
    await state.rollBackOperations();
    expect(here.read('config')).toBe('old');

    const record = (id: string, content: string): Promise<void> =>
      state.guard('hotfix', request(here), (recorder) =>
        operate(recorder, { id, type: 'copy', target: here.at('config') }, () => here.write('config', content)),
      );
    await record('one', 'one');
    await record('two', 'two');
    expect(outcomesIn(here)).toEqual([['two', 'applied']]);
    expect((await state.rollBackOperations()).map(({ operations }) => operations?.map(({ id }) => id))).toEqual([
      ['two'],
    ]);
    expect(here.read('config')).toBe('one');
    expectNothingOpen(here);
  });

  it('of two changes at the same time are all there', async () => {
    const here = scene({ a: '', b: '' });
    const names = Array.from({ length: 8 }, (_, at) => `step-${at}`);
    await Promise.all(
      ['a', 'b'].map((slot) =>
        here
          .stateManager({ lock: 'inherited' })
          .guard(slot, { files: [here.at(slot)], operations: true }, async (recorder) => {
            for (const id of names) await operate(recorder, { id, type: 'append', target: here.at(slot) }, () => {});
          }),
      ),
    );
    const all = here.stateManager().listOperations();
    expect(all.filter(({ outcome }) => outcome === 'applied')).toHaveLength(16);
    for (const slot of ['a', 'b']) expect(all.filter((one) => one.slot === slot).map(({ id }) => id)).toEqual(names);
  });
});

describe('operations of a change that failed', () => {
  it('are rolled back at once, scripts included', async () => {
    const here = scene({ config: 'old', database: 'old' });
    const outcome = await here.stateManager().attempt('hotfix', request(here), (recorder) =>
      applyDocument(here, recorder, () => {
        throw new Error('the check failed');
      }),
    );
    expect(outcome).toMatchObject({ status: 'reverted', cause: { message: 'the check failed' } });
    expect(traceOf(here)).toEqual(['restart sees new', 'migrate sees old']);
    expect([here.read('config'), here.read('database'), fs.existsSync(here.at('tool'))]).toEqual(['old', 'old', false]);
    expect(await here.stateManager().rollBackOperations()).toEqual([]);
    expectNothingOpen(here);
  });

  it('and was killed are rolled back by the recovery, also the one that had only begun', async () => {
    const here = scene({ config: 'old', database: 'old' });
    const { file } = script(here, 'migrate');
    const program = `import { StateManager } from ${JSON.stringify(path.join(import.meta.dirname, '../src/index.ts'))};
      import fs from 'node:fs';
      const state = new StateManager(${JSON.stringify({ backupDir: here.backupDir, stateDir: here.stateDir })});
      await state.guard('hotfix', ${JSON.stringify(request(here))}, async (recorder) => {
        await recorder.begin({ id: 'migrate', type: 'execute', rollbackScript: { file: ${JSON.stringify(file)} } });
        fs.writeFileSync(${JSON.stringify(here.at('config'))}, 'half');
        process.kill(process.pid, 'SIGKILL');
      });`;
    const killed = await runCommand([process.execPath, '--input-type=module-typescript', '-e', program]);
    expect([killed.signal, killed.stderr.toString()]).toEqual(['SIGKILL', '']);
    expect(outcomesIn(here)).toEqual([['migrate', 'begun']]);
    const { found } = await here.stateManager().recover();
    expect(found).toMatchObject([
      { slot: 'hotfix', kind: 'guard', outcome: 'restored', operations: [{ id: 'migrate', outcome: 'rolled-back' }] },
    ]);
    expect([here.read('config'), traceOf(here)]).toEqual(['old', ['migrate sees half']]);
    expect(outcomesIn(here)).toEqual([['migrate', 'rolled-back']]);
    expectNothingOpen(here);
  });

  it('leave a script that fails to the next rollback, and put everything else back', async () => {
    const here = scene({ config: 'old' });
    const failing = script(here, 'migrate', `[ -e ${here.root}/repaired ] || { echo 'no such table' >&2; exit 3; }`);
    const outcome = await here.stateManager().attempt('hotfix', request(here), async (recorder) => {
      await operate(recorder, { id: 'migrate', type: 'execute', rollbackScript: failing }, () => {});
      await operate(recorder, { id: 'config', type: 'copy', target: here.at('config') }, () =>
        here.write('config', 'new'),
      );
      throw new Error('no');
    });
    expect(outcome).toMatchObject({
      status: 'rollback-failed',
      error:
        'everything of hotfix was put back, but not what migrate did: its rollback script ended with exit code 3: no such table',
    });
    expect([here.read('config'), outcomesIn(here)]).toEqual([
      'old',
      [
        ['migrate', 'applied'],
        ['config', 'rolled-back'],
      ],
    ]);
    expectNothingOpen(here);
    fs.writeFileSync(`${here.root}/repaired`, '');
    expect(await here.stateManager().rollBackOperations()).toMatchObject([
      { outcome: 'restored', operations: [{ id: 'migrate', outcome: 'rolled-back' }] },
    ]);
  });

  it('of a guard inside another go with it, though its own part had succeeded', async () => {
    const here = scene({ config: 'old', outer: 'old' });
    const state = here.stateManager();
    const outcome = await state.attempt('app', { files: [here.at('outer')] }, async () => {
      await state.guard('hotfix', request(here), (recorder) => applyDocument(here, recorder));
      throw new Error('later');
    });
    expect(outcome.status).toBe('reverted');
    expect([here.read('config'), traceOf(here)]).toEqual(['old', ['restart sees new', 'migrate sees old']]);
  });
});

describe('a rollback script', () => {
  it.each([
    ['without a #! line is run by /bin/sh', 'echo "$0" > TRACE'],
    ['is run by its #! line, argument included', '#!/usr/bin/perl -l\nopen F, ">", "TRACE"; print F $0;'],
  ])('%s, and need not be executable: the backups may lie where nothing is', async (_, content) => {
    const here = scene();
    const file = path.join(here.root, 'one');
    fs.writeFileSync(file, content.replace('TRACE', `${here.root}/trace`));
    const state = here.stateManager();
    await state.guard('hotfix', { operations: true }, (recorder) =>
      operate(recorder, { id: 'one', type: 'execute', rollbackScript: { file } }, () => {}),
    );
    const kept = path.join(here.backupDir, 'hotfix_backup/scripts/one');
    fs.chmodSync(kept, 0o600);
    expect(await state.rollBackOperations()).toMatchObject([{ outcome: 'restored' }]);
    expect(traceOf(here)).toEqual([kept]);
  });

  it('runs where it was told to, and is stopped after its time', async () => {
    const here = scene();
    const place = (name: string, content: string): string => {
      fs.writeFileSync(here.at(name), content);
      return here.at(name);
    };
    const state = here.stateManager();
    await state.guard('hotfix', { operations: true }, async (recorder) => {
      const where = { file: place('where', `pwd > ${here.root}/trace`), workingDir: here.live };
      await operate(recorder, { id: 'where', type: 'execute', rollbackScript: where }, () => {});
      const slow = { file: place('slow', 'sleep 60'), timeoutMs: 50 };
      await operate(recorder, { id: 'slow', type: 'execute', rollbackScript: slow }, () => {});
    });
    expect(await state.rollBackOperations()).toMatchObject([
      {
        outcome: 'failed',
        error:
          'everything of hotfix was put back, but not what slow did: its rollback script was stopped after its time limit',
        operations: [
          { id: 'slow', outcome: 'failed' },
          { id: 'where', outcome: 'rolled-back' },
        ],
      },
    ]);
    expect(traceOf(here)).toEqual([here.live]);
  });
});

async function expectRefusal(here: Scene, message: RegExp): Promise<void> {
  await expect(here.stateManager().rollBackOperations()).rejects.toThrow(coded('damaged', message));
  expect(() => here.stateManager().listOperations()).toThrow(coded('damaged', message));
  expect([here.read('config'), traceOf(here), journalOf(here)]).toEqual(['new', [], []]);
}

describe('damage', () => {
  it.each<[string, (text: string) => string, RegExp]>([
    [
      'an entry that was altered',
      (text) => text.replace('"copy"', '"append"'),
      /has a damaged entry 2 \(config\): .*SHA-256$/,
    ],
    ['a field that is missing', (text) => text.replace('"type": "copy",', ''), /has a damaged entry 2: type/],
    [
      'a slot that leads elsewhere',
      (text) => text.replace('"hotfix"', '"../etc"'),
      /has a damaged entry 1: backup\.slot/,
    ],
    [
      'a script that leads elsewhere',
      (text) => text.replace('scripts/', '../'),
      /has a damaged entry 1: rollback_script/,
    ],
    ['a log cut in half', (text) => text.slice(0, text.length / 2), /operations\.json cannot be read/],
    ['a newer format', (text) => text.replace('"format": 1', '"format": 2'), /was written by another version: format/],
    ['an empty log', () => '', /cannot be read/],
  ])('of the log (%s) is refused with the place named, and nothing is touched', async (_, damage, message) => {
    const here = await applied();
    fs.writeFileSync(logOf(here), damage(fs.readFileSync(logOf(here), 'utf8')));
    await expectRefusal(here, message);
  });

  it('of the log does not keep a failing change without operations from being undone, nor drops a backup', async () => {
    const here = await applied();
    fs.writeFileSync(logOf(here), 'gar');
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('other')] }, async () => {});
    expect((await state.attempt('app', { files: [here.live] }, () => Promise.reject(new Error('no')))).status).toBe(
      'reverted',
    );
    await state.backupModuleState('hotfix', { files: [here.at('config')] });
    expect(fs.readdirSync(here.backupDir).filter((name) => name.startsWith('hotfix_backup.'))).toHaveLength(1);
    expect(here.said).toContainEqual(
      expect.stringMatching(
        /^warn the operation log .* cannot be read: .*; until it is moved away \(mv .*\.damaged\), no older backup/,
      ),
    );
  });

  it.each<[string, (log: string) => void]>([
    ['empty', (log) => fs.writeFileSync(log, '')],
    ['a link', (log) => fs.symlinkSync('/nonexistent', log)],
  ])(
    'of the log (it is %s) refuses a change with operations before it begins, and names what mends it',
    async (_, damage) => {
      const here = scene({ config: 'old' });
      const state = here.stateManager();
      await state.backupModuleState('other', { files: [here.at('config')] });
      damage(logOf(here));
      let begun = 0;
      const change = (): Promise<unknown> => state.attempt('hotfix', request(here), async () => (begun += 1));
      const command = `mv ${logOf(here)} ${logOf(here)}.damaged`;
      await expect(change()).rejects.toMatchObject({
        code: 'cannot-capture',
        message: expect.stringMatching(
          `^cannot begin the change of hotfix before this: ${command} \\(the operation log .* cannot be read: `,
        ),
      });
      expect([begun, state.hasOpenChanges(), state.hasBackup('hotfix')]).toEqual([0, false, false]);
      execFileSync('sh', ['-ec', command]);
      expect(await change()).toMatchObject({ status: 'committed', value: 1 });
    },
  );

  it('of the log while a change with operations fails: the files are put back, and that is said', async () => {
    const here = scene({ config: 'old' });
    const outcome = await here.stateManager().attempt('hotfix', request(here), async (recorder) => {
      await operate(recorder, { id: 'config', type: 'copy', target: here.at('config') }, () =>
        here.write('config', 'new'),
      );
      fs.writeFileSync(logOf(here), 'gar');
      throw new Error('no');
    });
    expect(outcome).toMatchObject({
      status: 'rollback-failed',
      error: expect.stringMatching(/no rollback script could be run/),
    });
    expect(here.read('config')).toBe('old');
  });

  it('of a script: it is not run, the rest goes on', async () => {
    const here = await applied();
    const kept = path.join(here.backupDir, 'hotfix_backup/scripts/restart');
    fs.appendFileSync(kept, `echo altered >> ${here.root}/trace\n`);
    expect(await here.stateManager().rollBackOperations()).toMatchObject([
      {
        outcome: 'failed',
        error: `everything of hotfix was put back, but not what restart did: the rollback script ${kept} does not match its SHA-256`,
      },
    ]);
    expect([here.read('config'), traceOf(here)]).toEqual(['old', ['migrate sees old']]);
  });

  it('of the captured state: no script runs and nothing is touched', async () => {
    const here = await applied();
    const copy = path.join(here.backupDir, 'hotfix_backup/files', here.at('config'));
    fs.writeFileSync(copy, 'odd');
    expect(await here.stateManager().rollBackOperations()).toMatchObject([
      { slot: 'hotfix', outcome: 'failed', error: `${copy} does not match its SHA-256` },
    ]);
    expect([here.read('config'), traceOf(here)]).toEqual(['new', []]);
    expectNothingOpen(here);
  });

  it('that took the captured state away altogether is said, and the changes of other slots are rolled back', async () => {
    const here = await applied();
    await here
      .stateManager()
      .guard('other', { files: [here.at('other')], operations: true }, (recorder) =>
        operate(recorder, { id: 'other', type: 'copy', target: here.at('other') }, () => here.write('other', 'new')),
      );
    fs.rmSync(path.join(here.backupDir, 'hotfix_backup'), { recursive: true });
    expect(await here.stateManager().rollBackOperations()).toMatchObject([
      { slot: 'other', outcome: 'restored' },
      { slot: 'hotfix', outcome: 'failed', error: expect.stringMatching(/^there is no backup of hotfix with id/) },
    ]);
    expect(fs.existsSync(here.at('other'))).toBe(false);
  });
});

describe('a wrong operation', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /^cannot record an operation: /],
    ['no id', { type: 'execute' }, /^cannot record an operation: id: /],
    ['an id that leads elsewhere', { id: '../x', type: 'execute' }, /id: /],
    ['an unknown type', { id: 'x', type: 'delete' }, /type: /],
    ['a copy without a target', { id: 'x', type: 'copy' }, /target: an absolute path is needed$/],
    ['a relative target', { id: 'x', type: 'copy', target: 'etc/x' }, /target: an absolute path is needed$/],
    [
      'a script for a copy',
      { id: 'x', type: 'copy', target: '/srv/x', rollbackScript: { file: '/x' } },
      /rollbackScript: /,
    ],
    [
      'a script that is not there',
      { id: 'x', type: 'execute', rollbackScript: { file: '/nonexistent' } },
      /^cannot keep the rollback script of x: ENOENT/,
    ],
    [
      'a target outside what was captured',
      { id: 'x', type: 'copy', target: '/etc/hosts' },
      /^cannot record x: the change has not captured its target$/,
    ],
  ])('is refused: %s', async (_, operation, message) => {
    const here = scene({ config: 'old' });
    const outcome = await here
      .stateManager()
      .attempt('hotfix', request(here), (recorder) => recorder.begin(operation as NewOperation));
    expect(outcome).toMatchObject({ status: 'reverted', cause: coded('invalid-request', message) });
  });

  it('is refused: the same id twice, an end without a beginning, and a guard that does not say so', async () => {
    const here = scene({ config: 'old' });
    const state = here.stateManager();
    await state.guard('hotfix', request(here), async (recorder) => {
      await recorder.begin({ id: 'x', type: 'execute' });
      await expect(recorder.begin({ id: 'x', type: 'execute' })).rejects.toThrow(
        coded('invalid-request', /^cannot record x again in one change$/),
      );
      await expect(recorder.end('y', 'applied')).rejects.toThrow(coded('invalid-request', /^y was not begun/));
    });
    await state.guard('app', { files: [here.at('config')] }, async (recorder) => {
      await expect(recorder.begin({ id: 'x', type: 'execute' })).rejects.toThrow(
        coded('invalid-request', /^cannot record an operation of app: its guard does not say so$/),
      );
    });
  });
});
