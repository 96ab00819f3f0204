import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryName } from '@homeserver/system';
import { OperationsServer, states, step } from './operations-server.ts';

const isRoot = process.getuid?.() === 0;

/** One operation of each type, and the script that takes the last one back. */
function all(): OperationsServer {
  const server = new OperationsServer({ 'auth.py': 'old auth\n', 'nginx.conf': 'server {}\n' });
  server.sources({
    'auth.py': 'new auth\n',
    'headers.conf': 'add_header X 1;\n',
    tool: '#!/bin/sh\necho tool\n',
    'migrate.sh': step('migrate', 'echo migrated > LIVE/database'),
    'unmigrate.sh': step('unmigrate', 'rm -f LIVE/database'),
  });
  server.operations('1.0.0', [
    { id: 'auth', type: 'copy', source: 'auth.py', target: 'LIVE/auth.py', permissions: { mode: '640' } },
    { id: 'headers', type: 'append', source: 'src/headers.conf', target: 'LIVE/nginx.conf', identifier: 'patch_1' },
    { id: 'tool', type: 'symlink', source: 'tool', target: 'LIVE/bin/tool', permissions: { mode: '755' } },
    { id: 'migrate', type: 'execute', source: 'migrate.sh', phase: 2, rollback_script: 'unmigrate.sh' },
  ]);
  return server;
}

describe('a document of operations', () => {
  it('does each of its operations', async () => {
    const server = all();
    const report = await server.applyOperations();
    expect(report).toMatchObject({ state: 'applied', reason: 'not applied before' });
    expect(states(report)).toEqual(['auth: applied', 'headers: applied', 'tool: applied', 'migrate: applied']);
    expect(server.read('auth.py')).toBe('new auth\n');
    expect(fs.statSync(path.join(server.live, 'auth.py')).mode & 0o777).toBe(0o640);
    expect(server.read('nginx.conf')).toBe(
      'server {}\n# HOTFIX BEGIN patch_1\nadd_header X 1;\n# HOTFIX END patch_1\n',
    );
    const link = fs.readlinkSync(path.join(server.live, 'bin/tool'));
    expect(link.startsWith(`${server.stateDir}/linked/`)).toBe(true);
    expect([fs.readFileSync(link, 'utf8'), fs.statSync(link).mode & 0o777]).toEqual(['#!/bin/sh\necho tool\n', 0o755]);
    expect(server.read('database')).toBe('migrated\n');
  });

  it('begins nothing while the operation log is damaged, and is tried again once that is mended', async () => {
    const server = all();
    fs.mkdirSync(server.backupDir, { mode: 0o700, recursive: true });
    const log = path.join(server.backupDir, 'operations.json');
    fs.writeFileSync(log, '');
    expect(await server.applyOperations()).toMatchObject({
      state: 'skipped',
      skip: 'refused',
      reason: expect.stringContaining(`mv ${log} ${log}.damaged`),
    });
    expect(server.read('auth.py')).toBe('old auth\n');
    fs.renameSync(log, `${log}.damaged`);
    expect(await server.applyOperations()).toMatchObject({ state: 'applied', reason: 'not applied before' });
  });

  it('leaves nothing of a run that was killed beside the file that a link points at', async () => {
    const server = all();
    await server.applyOperations();
    const linked = path.dirname(fs.readlinkSync(path.join(server.live, 'bin/tool')));
    fs.writeFileSync(path.join(linked, temporaryName()), 'half');
    server.document(fs.readFileSync(path.join(server.module, 'index.json'), 'utf8').replace('1.0.0', '1.1.0'));
    expect((await server.applyOperations()).state).toBe('applied');
    expect(fs.readdirSync(linked)).toEqual(['tool']);
  });

  it('a second time does nothing, and runs no script', async () => {
    const server = all();
    await server.applyOperations();
    const before = server.describe();
    expect(await server.applyOperations()).toMatchObject({ state: 'skipped', skip: 'up-to-date' });
    expect([server.describe(), server.steps()]).toEqual([before, ['migrate']]);
  });

  it('says nothing of operations that are up to date, in a run or in a look', async () => {
    const server = all();
    await server.applyOperations();
    server.log.length = 0;
    await server.applyOperations();
    await server.manager().check();
    expect(server.log).toEqual([]);
  });

  it('says once why all of them were left out, and of each that was left out alone', async () => {
    const server = all();
    await server.applyOperations();
    server.write('auth.py', 'my auth\n');
    server.log.length = 0;
    await server.applyOperations();
    expect(server.log).toEqual([
      'warn operations of schema 1.0.0: edited: changed since it was applied, and left as it is: auth',
    ]);
    const partly = failing({}, { critical: false });
    await partly.applyOperations();
    expect(partly.log).toContain('warn operation after: skipped: two, which it needs, failed');
  });

  it('with a new schema version does all of it again; what is as it should be is not rewritten', async () => {
    const server = all();
    await server.applyOperations();
    const inode = (): number => fs.statSync(path.join(server.live, 'nginx.conf')).ino;
    const before = inode();
    const document = fs.readFileSync(path.join(server.module, 'index.json'), 'utf8');
    server.document(document.replace('1.0.0', '1.1.0'));
    const report = await server.applyOperations();
    expect(states(report)).toEqual(['auth: applied', 'headers: unchanged', 'tool: applied', 'migrate: applied']);
    expect([inode(), server.steps()]).toEqual([before, ['migrate', 'migrate']]);
  });

  it("leaves what the owner has changed since, and says which; what is around a block is the owner's", async () => {
    const server = all();
    await server.applyOperations();
    server.write('nginx.conf', `# mine\n${server.read('nginx.conf')}# mine too\n`);
    expect(await server.applyOperations()).toMatchObject({ skip: 'up-to-date' });
    server.write('auth.py', 'my auth\n');
    const report = await server.applyOperations();
    expect(report).toMatchObject({ skip: 'edited', reason: 'changed since it was applied, and left as it is: auth' });
    expect(report.operations.map(({ found }) => found)).toEqual(['edited', 'as-shipped', 'as-shipped', undefined]);
    expect(server.read('auth.py')).toBe('my auth\n');
  });

  it('takes a block out again once its operation is not in the document any more', async () => {
    const server = new OperationsServer({ 'nginx.conf': 'server {}\n' });
    server.sources({ 'one.conf': 'one\n', 'two.conf': 'two\n' });
    const one = { id: 'one', type: 'append' as const, source: 'one.conf', target: 'LIVE/nginx.conf' };
    const two = { ...one, id: 'two', source: 'two.conf' };
    server.operations('1.0.0', [one, two]);
    await server.applyOperations();
    server.operations('1.1.0', [two]);
    await server.applyOperations();
    expect(server.read('nginx.conf')).toBe('server {}\n# HOTFIX BEGIN two\ntwo\n# HOTFIX END two\n');
  });

  it('with a dry run changes nothing, and says what it would do', async () => {
    const server = all();
    const before = server.describe();
    expect(await server.applyOperations({ dryRun: true })).toMatchObject({
      skip: 'dry-run',
      reason: 'would be applied: not applied before',
    });
    expect([server.describe(), server.steps()]).toEqual([before, []]);
  });
});

function failing(rest: Record<string, unknown> = {}, more: Record<string, unknown> = {}): OperationsServer {
  const server = new OperationsServer({ 'auth.py': 'old\n', 'nginx.conf': 'server {}\n' });
  server.sources({
    'auth.py': 'new\n',
    'headers.conf': 'x\n',
    'one.sh': step('one'),
    'un-one.sh': step('un-one', 'cat LIVE/auth.py >> LIVE/../steps'),
    'two.sh': step('two', 'echo last words; exit 3'),
    'un-two.sh': step('un-two'),
  });
  server.operations(
    '1.0.0',
    [
      { id: 'auth', type: 'copy', source: 'auth.py', target: 'LIVE/auth.py' },
      { id: 'one', type: 'execute', source: 'one.sh', rollback_script: 'un-one.sh' },
      { id: 'headers', type: 'append', source: 'headers.conf', target: 'LIVE/nginx.conf' },
      { id: 'two', type: 'execute', source: 'two.sh', rollback_script: 'un-two.sh', ...more },
      { id: 'after', type: 'execute', source: 'one.sh', dependencies: ['two'] },
    ],
    rest,
  );
  return server;
}

describe('when a critical operation fails', () => {
  it('everything is put back, with the rollback scripts newest first and the files as their operation left them', async () => {
    const server = failing();
    const before = server.describe();
    const report = await server.applyOperations();
    expect(report).toMatchObject({ state: 'reverted', reason: 'its script exit code 3: last words' });
    expect(states(report)).toEqual([
      'auth: reverted',
      'one: reverted',
      'headers: reverted',
      'two: failed',
      'after: skipped',
    ]);
    expect(server.describe()).toEqual(before);
    expect(server.steps()).toEqual(['one', 'two', 'un-two', 'un-one', 'new']);
  });

  it('it is not tried again at once, but when it was mended, or with retry', async () => {
    const server = failing();
    await server.applyOperations();
    expect(await server.applyOperations()).toMatchObject({ skip: 'given-up' });
    expect(await server.applyOperations({ retry: true })).toMatchObject({ state: 'reverted' });
    server.sources({ 'two.sh': step('two') });
    expect(await server.applyOperations()).toMatchObject({ state: 'applied' });
  });

  it('and the document says so, everything is left as it is', async () => {
    const server = failing({ config: { rollback_on_failure: false } });
    const report = await server.applyOperations();
    expect(report.state).toBe('left');
    expect(report.reason).toMatch(/last words; it is left as it is, as the document asks$/);
    expect([server.read('auth.py'), server.steps()]).toEqual(['new\n', ['one', 'two']]);
    expect((await server.manager().applyHotfixes()).success).toBe(true); // Given up: nothing is done.
  });

  it('one that is not critical is told and tolerated, and what needs it is skipped by name', async () => {
    const server = failing({}, { critical: false });
    const report = await server.applyOperations();
    expect(report.state).toBe('applied');
    expect(report.operations.slice(3)).toMatchObject([
      { id: 'two', state: 'failed', reason: 'its script exit code 3: last words' },
      { id: 'after', state: 'skipped', reason: 'two, which it needs, failed' },
    ]);
    expect(server.read('auth.py')).toBe('new\n');
    expect(server.log).toContain('warn operation two failed, and is not critical: its script exit code 3: last words');
  });
});

function checked(validation: object): OperationsServer {
  const server = new OperationsServer({ 'a.conf': 'old\n' });
  server.sources({ 'a.conf': 'new\n' });
  server.operations('1.0.0', [{ id: 'a', type: 'copy', source: 'a.conf', target: 'LIVE/a.conf' }], { validation });
  return server;
}

describe('checks', () => {
  it('that hold before and after let it pass; an expected output is compared after trimming, whatever the exit code', async () => {
    const server = checked({
      pre_checks: [{ command: 'cat LIVE/a.conf; exit 3', expected: ' old ' }, { command: 'true' }],
      post_checks: [{ command: 'cat LIVE/a.conf', expected: 'new', description: 'the new file is there' }],
    });
    const report = await server.applyOperations();
    expect(report).toMatchObject({
      state: 'applied',
      postChecks: [{ ok: true, description: 'the new file is there' }],
    });
  });

  it.each([
    [
      'an output that differs',
      { command: 'echo inactive', expected: 'active' },
      /printed "inactive", expected is "active"/,
    ],
    ['an exit code', { command: 'echo why; false' }, /\(echo why; false\): exit code 1: why/],
    ['a time limit', { command: 'sleep 60', timeout: 0.2 }, /stopped after its time limit/],
  ])('that do not hold before, by %s, refuse it with nothing changed', async (_, check, why) => {
    const server = checked({ pre_checks: [check] });
    const report = await server.applyOperations();
    expect(report).toMatchObject({ state: 'skipped', skip: 'refused' });
    expect(report.reason).toMatch(why);
    expect(server.read('a.conf')).toBe('old\n');
    expect(await server.manager().applyHotfixes()).toMatchObject({ success: false, changed: false });
  });

  it('that do not hold afterwards put everything back', async () => {
    const server = checked({ post_checks: [{ command: 'grep -q old LIVE/a.conf' }] });
    const report = await server.applyOperations();
    expect(report.state).toBe('reverted');
    expect(report.reason).toMatch(/^validation\.post_checks\[0\] \(grep -q old .*\): exit code 1$/);
    expect(server.read('a.conf')).toBe('old\n');
  });
});

function scripted(script: string, more: Record<string, unknown> = {}): OperationsServer {
  const server = new OperationsServer({});
  server.sources({ 'x.sh': script, 'beside.txt': 'beside\n' });
  server.operations('1.0.0', [{ id: 'x', type: 'execute', source: 'x.sh', ...more }]);
  return server;
}

describe('a script', () => {
  it('is run by its first line, in its directory, with its neighbours and a place of its own that goes away', async () => {
    const server = scripted(
      '#!/bin/bash\npwd > LIVE/out; cat "$HOTFIX_SOURCE_DIR/beside.txt" >> LIVE/out; touch "$HOTFIX_RUN_DIR/left"; [[ 1 ]]',
      {
        working_dir: '/usr',
      },
    );
    expect((await server.applyOperations()).state).toBe('applied');
    expect(server.read('out')).toBe('/usr\nbeside\n');
    expect(fs.existsSync(path.join(server.stateDir, 'run/x'))).toBe(false);
  });

  it('may keep its place', async () => {
    const server = scripted('touch "$HOTFIX_RUN_DIR/left"', { cleanup_after: false });
    await server.applyOperations();
    expect(fs.readdirSync(path.join(server.stateDir, 'run/x')).sort()).toEqual(['left', 'script']);
  });

  it('that takes too long is ended with what it started', async () => {
    const server = scripted('sleep 300 & sleep 300', { timeout: 0.3 });
    expect(await server.applyOperations()).toMatchObject({
      state: 'reverted',
      reason: 'its script stopped after its time limit',
    });
  });
});

const copy = (target: string, more: Record<string, unknown> = {}) => ({
  id: 'a',
  type: 'copy' as const,
  source: 'a',
  target,
  ...more,
});

describe('a target', () => {
  it.each([
    ['relative', copy('etc/x'), 'operations[0].target: "etc/x" must be an absolute path'],
    ['of the kernel', copy('/proc/x'), 'lies in /proc'],
    ['a symlink', copy('LIVE/link'), 'is a symlink'],
    ['a directory', copy('LIVE/dir'), 'is a directory'],
    ['a directory, for a link', { ...copy('LIVE/dir'), type: 'symlink' as const }, 'is a directory'],
    [
      'with a source that is missing',
      copy('LIVE/x', { source: 'gone' }),
      'operations[0].source: "gone" does not exist',
    ],
    ['with a source outside of src/', copy('LIVE/x', { source: '../index.json' }), 'must be written without'],
    [
      'with an unknown user',
      copy('LIVE/x', { permissions: { user: 'nobody-here' } }),
      'operations[0].permissions.user: there is no user',
    ],
    ['with a symbolic mode', copy('LIVE/x', { permissions: { mode: 'u+x' } }), 'symbolic mode'],
    ['with setuid', copy('LIVE/x', { permissions: { mode: '4755' } }), 'setuid'],
  ])('%s is refused, and nothing is changed', async (_, operation, why) => {
    const server = new OperationsServer({ dir: {}, real: 'x' });
    fs.symlinkSync('real', path.join(server.live, 'link'));
    server.sources({ a: 'a', ok: 'ok' });
    server.operations('1.0.0', [{ id: 'ok', type: 'copy', source: 'ok', target: 'LIVE/ok' }, operation]);
    const before = server.describe();
    const report = await server.applyOperations();
    expect(report).toMatchObject({ state: 'skipped', skip: 'refused' });
    expect(report.reason).toContain(why.replace('[0]', '[1]'));
    expect(server.describe()).toEqual(before);
  });

  it('that a link replaces comes back when it fails: a file as the file, a link as the link', async () => {
    const server = new OperationsServer({ file: 'a file\n' });
    fs.symlinkSync('/nowhere', path.join(server.live, 'link'));
    server.sources({ a: 'a', 'fail.sh': 'exit 1' });
    server.operations('1.0.0', [
      { id: 'one', type: 'symlink', source: 'a', target: 'LIVE/file' },
      { id: 'two', type: 'symlink', source: 'a', target: 'LIVE/link' },
      { id: 'fail', type: 'execute', source: 'fail.sh' },
    ]);
    const before = server.describe();
    expect((await server.applyOperations()).state).toBe('reverted');
    expect(server.describe()).toEqual(before);
  });

  it('of which one mark of a block is lost is refused, and nothing is changed', async () => {
    const server = new OperationsServer({ conf: '# HOTFIX BEGIN a\nmine\n', other: 'old' });
    server.sources({ a: 'a', other: 'new' });
    server.operations('1.0.0', [
      { id: 'other', type: 'copy', source: 'other', target: 'LIVE/other' },
      { id: 'a', type: 'append', source: 'a', target: 'LIVE/conf' },
    ]);
    const report = await server.applyOperations();
    expect(report.reason).toMatch(/the line "# HOTFIX END a" is missing/);
    expect([server.read('conf'), server.read('other')]).toEqual(['# HOTFIX BEGIN a\nmine\n', 'old']);
  });

  if (isRoot) {
    it('gets the owner that is asked for, before it can be seen', async () => {
      const server = new OperationsServer({});
      server.sources({ a: 'a' });
      server.operations('1.0.0', [copy('LIVE/x', { permissions: { user: 'www-data', group: 4242, mode: '600' } })]);
      await server.applyOperations();
      const { uid, gid, mode } = fs.statSync(path.join(server.live, 'x'));
      expect([uid, gid, mode & 0o777]).toEqual([33, 4242, 0o600]);
    });
  } else process.stderr.write('LEFT OUT: owners of copied files; only root can give files away. Run it as root.\n');
});

describe('afterwards, by hand', () => {
  it('everything is rolled back by another process, and not applied again before a new version', async () => {
    const server = all();
    const before = server.describe();
    await server.applyOperations();
    expect(await server.manager().rollBack()).toMatchObject([{ id: 'operations', outcome: 'rolled-back' }]);
    expect(server.describe()).toEqual(before);
    expect(server.steps()).toEqual(['migrate', 'unmigrate']);
    expect(await server.applyOperations()).toMatchObject({ skip: 'given-up' });
    expect(await server.manager().rollBack()).toMatchObject([{ outcome: 'nothing' }]);
  });
});

it('a document may have a log file and a level of its own', async () => {
  const server = all();
  const document = JSON.parse(fs.readFileSync(path.join(server.module, 'index.json'), 'utf8')) as object;
  server.document({
    ...document,
    config: { log_file: path.join(server.root, 'log/hotfix.log'), log_level: 'WARNING', backup_dir: '/x' },
  });
  await server.applyOperations();
  expect(server.log).toEqual([
    `warn ${server.module}/index.json: config.backup_dir is not used: all backups lie in one place`,
  ]);
  expect(fs.readFileSync(path.join(server.root, 'log/hotfix.log'), 'utf8')).toMatch(
    /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[WARNING\] .*config\.backup_dir is not used.*\n$/,
  );
});
