import fs from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findRunProcesses } from '@homeserver/system';
import { UNGUESSABLE } from '@homeserver/test-support';
import { home, install, main, module, quiet, runAll, useUpdaterUmask, type Home } from '../support.ts';
import { readRunRecords } from '../../src/report/run-record.ts';
import type { ModuleOutcome } from '../../src/run/module-outcome.ts';

/** A module that says which process it runs in, last of all. */
const witness =
  'export async function main(_, { log }) { log.info(`pid ${process.pid}`); return { success: true }; }\n';
const saysPid = 'console.log(`pid ${process.pid}`);';

interface Ending extends Home {
  odd: ModuleOutcome;
  next: ModuleOutcome;
  /** The lines that the module printed or logged. */
  lines: string[];
  /** The module after it ran in the same process. */
  shared: boolean;
}

/** Runs a module, and after it one that behaves. */
async function runOdd(source: string, metadata: Record<string, unknown> = {}, entry = 'index.mjs'): Promise<Ending> {
  const here = home();
  install(here, 'odd', '1.0.0', module('1.0.0', source, { priority: 1, ...metadata }, entry));
  install(here, 'witness', '1.0.0', module('1.0.0', witness));
  const { odd, witness: next } = await runAll(here);
  const linesOf = (name: string): string[] => here.said.filter((line) => line.includes(` ${name}: `));
  const pidOf = (name: string): string | undefined =>
    linesOf(name)
      .findLast((line) => line.includes('pid '))
      ?.split('pid ')[1];
  return {
    ...here,
    odd: odd as ModuleOutcome,
    next: next as ModuleOutcome,
    lines: linesOf('odd'),
    shared: pidOf('odd') === pidOf('witness'),
  };
}

const succeeds = `${saysPid} return { success: true };`;

interface Kind {
  source: string;
  entry?: string;
}

/** Runs modules of many kinds in one cycle, by name, and after each a witness. */
async function runMany(kinds: Record<string, Kind>): Promise<Home & { outcomes: Record<string, ModuleOutcome> }> {
  const here = home();
  for (const [name, { source, entry }] of Object.entries(kinds)) {
    install(here, name, '1.0.0', module('1.0.0', source, {}, entry));
    install(here, `${name}-witness`, '1.0.0', module('1.0.0', witness));
  }
  const outcomes = await runAll(here);
  for (const name of Object.keys(kinds))
    expect(outcomes[`${name}-witness`], `the module after ${name}`).toMatchObject({ status: 'succeeded' });
  return { ...here, outcomes };
}

describe('a module that fails, fails alone and by name', () => {
  it('whichever way it fails', async () => {
    const ways: Record<string, [source: string, error: string | RegExp]> = {
      throws: [main("throw new Error('no disk');"), 'no disk (index.mjs:3)'],
      'rejects-later': [
        main("return new Promise((_, no) => setTimeout(() => no(new TypeError('no disk')), 20));"),
        /^no disk/,
      ],
      'throws-a-text': [main("throw 'no disk';"), "threw 'no disk'"],
      'throws-outside-main': [`throw new Error('no disk');\n${quiet}`, 'no disk (index.mjs:1)'],
      'says-so': [main("return { success: false, error: 'no disk' };"), 'no disk'],
      'returns-nothing': [main(''), 'main() returned nothing; { success: boolean } is needed'],
      'returns-junk': [main("return 'junk';"), "main() returned 'junk'; { success: boolean } is needed"],
      'returns-success-as-text': [
        main('return { success: "false" };'),
        "main() returned success: 'false'; true or false is needed",
      ],
      'has-no-main': ['export const mian = 1;\n', 'the entry does not export a function main(args, context)'],
      'imports-what-is-not-there': [
        "// './gone'\nimport './gone.mjs';\n",
        /^Cannot find module '.*gone\.mjs' imported from .*\/index\.mjs \(index\.mjs:2\)$/,
      ],
      'imports-a-package-of-ours-that-is-none': [
        "import '@homeserver/gone';\n",
        /^Cannot find package '@homeserver\/gone' imported from .*\/index\.mjs \(index\.mjs:1\)$/,
      ],
      'exits-with-0': [main('process.exit(0);'), 'ended the process with exit code 0 before main() was done'],
      'exits-with-1': [main('process.exit(1);'), 'ended the process with exit code 1 before main() was done'],
      'kills-itself': [
        main("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});"),
        'was killed by SIGKILL',
      ],
      'throws-where-nobody-catches': [
        main("setTimeout(() => { throw new RangeError('late'); }, 5); await new Promise(() => {});"),
        'ended the process with exit code 1 before main() was done: RangeError: late (index.mjs:3)',
      ],
      'leaves-a-rejection-unhandled': [
        main("void Promise.reject(new Error('unseen')); await new Promise((go) => setTimeout(go, 500));"),
        'ended the process with exit code 1 before main() was done: Error: unseen (index.mjs:3)',
      ],
      'leaves-a-rejection-behind': [
        main("void Promise.reject(new Error('unseen')); return { success: true };"),
        'ended the process with exit code 1 before main() was done: Error: unseen (index.mjs:3)',
      ],
      'throws-from-within-ours-where-nobody-catches': [
        `import { readFileText } from '@homeserver/system';\n${main(
          "setTimeout(() => readFileText('/nonexistent'), 5); await new Promise(() => {});",
        )}`,
        /^ended .* exit code 1 before main\(\) was done: \w*Error: ENOENT.* '\/nonexistent' \(index\.mjs:4\)$/,
      ],
      'throws-a-text-where-nobody-catches': [
        main("setTimeout(() => { throw 'late'; }, 5); await new Promise(() => {});"),
        "ended the process with exit code 1 before main() was done: threw 'late'",
      ],
      'cuts-its-line-to-the-updater': [main('process.disconnect(); await new Promise(() => {});'), /exit code 0/],
    };
    const { outcomes, said } = await runMany(
      Object.fromEntries(Object.entries(ways).map(([name, [source]]) => [name, { source }])),
    );
    expect(said.filter((line) => /module-host|packages\/system|^warn: .* at /.test(line))).toEqual([]);
    for (const [name, [, error]] of Object.entries(ways)) {
      expect(outcomes[name]).toEqual({
        name,
        version: '1.0.0',
        status: 'failed',
        error: typeof error === 'string' ? error : expect.stringMatching(error),
        changed: false,
        reverted: [],
        displaced: [],
        rollbackFailed: [],
        restarted: false,
        durationMs: expect.any(Number),
      });
    }
  });

  it('one that catches what nobody else does goes on as it likes', async () => {
    const { odd, lines } = await runOdd(
      main(`
      process.once('uncaughtException', (error) => console.log('caught ' + error.message));
      setTimeout(() => { throw new Error('late'); }, 5);
      await new Promise((go) => setTimeout(go, 50));
      process.setUncaughtExceptionCaptureCallback((error) => console.log('caught ' + error.message));
      setTimeout(() => { throw new Error('later'); }, 5);
      await new Promise((go) => setTimeout(go, 50));
      return { success: true };`),
    );
    expect([odd.status, lines]).toEqual([
      'succeeded',
      expect.arrayContaining(['info: odd: caught late', 'info: odd: caught later']),
    ]);
  });

  it('with a syntax error, it is told file and line', async () => {
    const entries = ['index.ts', 'index.mts', 'index.mjs', 'index.js', 'index.cjs'];
    const source = '// one\nconst two = 2;\nconst three = ;\n';
    const { outcomes } = await runMany(
      Object.fromEntries(entries.map((entry) => [entry.replace('index.', 'in-'), { source, entry }])),
    );
    for (const entry of entries) {
      expect(outcomes[entry.replace('index.', 'in-')]?.error).toMatch(
        new RegExp(`^(Expression expected|Unexpected token ';') \\(${entry}:3\\)$`),
      );
    }
  });

  it('one without an entry', async () => {
    const { odd, next } = await runOdd('', {}, 'index.py');
    expect(odd).toMatchObject({ status: 'failed', error: expect.stringMatching(/ has no entry \(index\.ts, /) });
    expect(next.status).toBe('succeeded');
  });

  it('one whose index cannot be read', async () => {
    const here = home();
    install(here, 'odd', '1.0.0', { 'index.json': '{', 'index.mjs': quiet });
    install(here, 'witness', '1.0.0');
    const { odd, witness: next } = await runAll(here);
    expect(odd).toMatchObject({ status: 'failed', error: expect.stringMatching(/index\.json: is not valid JSON/) });
    expect(next?.status).toBe('succeeded');
  });

  it('one whose state directory cannot be made', async () => {
    const here = home();
    install(here, 'odd', '1.0.0');
    install(here, 'witness', '1.0.0');
    fs.mkdirSync(here.server.paths.moduleStates);
    fs.writeFileSync(`${here.server.paths.moduleStates}/odd`, 'in the way');
    const { odd, witness: next } = await runAll(here);
    expect(odd).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^it was not started: cannot make the directory/),
    });
    expect(next?.status).toBe('succeeded');
  });
});

/** Something that has slipped away before the module goes on. */
const slipped = (started: string): string => `
  const script = '${started} /bin/sh -c "echo > $0; exec sleep 60"; while [ ! -e "$0" ]; do sleep 0.01; done';
  await context.run(['sh', '-c', script, context.stateDir + '/here']);`;

describe('the host', () => {
  it('is one process for modules that end clean', async () => {
    const here = home();
    const names = Array.from({ length: 20 }, (_, number) => `m${String(number).padStart(2, '0')}`);
    const sources = [
      main(succeeds),
      main(`await new Promise((go) => setTimeout(go, 5)); ${succeeds}`),
      main(`await fs.promises.writeFile(context.stateDir + '/x', 'x'); ${succeeds}`),
      main(`await context.run(['true']); ${succeeds}`),
      main(`await context.run(['sh', '-c', '(true &) ; true']); ${succeeds}`),
      main(`await context.state.guard('web', { files: [context.stateDir] }, async () => {}); ${succeeds}`),
    ];
    for (const [at, name] of names.entries())
      install(here, name, '1.0.0', module('1.0.0', sources[at % sources.length]));
    const outcomes = Object.values(await runAll(here));
    expect(outcomes.map(({ status }) => status)).toEqual(names.map(() => 'succeeded'));
    expect(here.said.filter((line) => line.includes('fresh process'))).toEqual([]);
    const pids = here.said.flatMap((line) => /pid (\d+)$/.exec(line)?.[1] ?? []);
    expect(pids).toHaveLength(20);
    expect(new Set(pids).size).toBe(1);
  });

  it('is shared also with a module that fails and ends clean', async () => {
    const { odd, shared } = await runOdd(main(`${saysPid} return { success: false, error: 'no disk' };`));
    expect([odd.status, shared]).toEqual(['failed', true]);
  });

  it('is a fresh one after a module that leaves something behind', async () => {
    const left: Record<string, [body: string, leftover: string]> = {
      'a-timer-that-keeps-nothing-alive': ['setInterval(() => {}, 1000).unref();', 'left an open Timeout'],
      'a-file': ["fs.openSync(context.stateDir + '/x', 'w');", 'left an open file'],
      'a-daemon': [slipped('setsid -f'), 'left child processes'],
      'a-daemon-without-environment': [slipped('env -i /usr/bin/setsid -f'), 'left child processes'],
      'a-timer': ['setInterval(() => {}, 1000);', 'left an open Timeout'],
      'a-server': ["(await import('node:net')).createServer().listen(0);", 'left an open TCPServerWrap'],
      'a-child': ["(await import('node:child_process')).spawn('sleep', ['60']);", 'left child processes'],
      'a-directory': ["process.chdir('/tmp');", 'changed the working directory'],
      'a-variable': ["process.env.FOO = 'bar';", 'changed the environment'],
      'a-umask': ['process.umask(0o077);', 'changed the umask'],
      'a-listener': ["process.on('uncaughtException', () => {});", 'left listeners on the process'],
    };
    const { outcomes, said } = await runMany(
      Object.fromEntries(Object.entries(left).map(([name, [body]]) => [name, { source: main(`${body} ${succeeds}`) }])),
    );
    const pidOf = (name: string): string | undefined =>
      said.findLast((line) => line.startsWith(`info: ${name}: pid `))?.split('pid ')[1];
    for (const [name, [, leftover]] of Object.entries(left)) {
      expect(outcomes[name]?.status).toBe('succeeded');
      expect(said).toContain(`debug: ${name}: ${leftover}; the next module gets a fresh process`);
      expect(pidOf(name)).toMatch(/^\d+$/);
      expect(pidOf(`${name}-witness`)).not.toBe(pidOf(name));
    }
  });

  it('ends with everything that was started in it, also what slipped away and holds on to its output', async () => {
    const daemon = main(`
      const { spawn } = await import('node:child_process');
      spawn('setsid', ['sh', '-c', 'sleep 300 & sleep 300'], { stdio: 'inherit', detached: true }).unref();
      await new Promise((go) => setTimeout(go, 100));
      ${succeeds}`);
    const startedAt = performance.now();
    const { odd, next, server } = await runOdd(daemon);
    expect([odd.status, next.status]).toEqual(['succeeded', 'succeeded']);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    const [run] = readRunRecords(server.paths, 1);
    expect(findRunProcesses(run?.id ?? '')).toEqual([]);
  });
});

describe('what a module runs in', () => {
  it('is a clean environment, /, umask 022, and a closed stdin', async () => {
    useUpdaterUmask();
    process.env['GIT_DIR'] = '/elsewhere';
    process.env['DATABASE_PASSWORD'] = UNGUESSABLE;
    onTestFinished(() => {
      delete process.env['GIT_DIR'];
      delete process.env['DATABASE_PASSWORD'];
    });
    const { lines } = await runOdd(
      main(`
      const child = await context.run(['sh', '-c', 'umask; env']);
      console.log('names ' + Object.keys(process.env).sort().join());
      console.log('child ' + child.stdout.toString().replaceAll('\\n', ' '));
      console.log('cwd ' + process.cwd() + ' umask ' + process.umask().toString(8));
      console.log('stdin ' + fs.readFileSync(0).length);
      console.log('first to go when memory runs out: ' + fs.readFileSync('/proc/self/oom_score_adj', 'utf8'));
      ${succeeds}`),
    );
    const all = lines.join('\n');
    expect(all).toMatch(/cwd \/ umask 22$/m);
    expect(all).toMatch(/child 0022 /);
    expect(all).toMatch(/stdin 0$/m);
    expect(all).toMatch(/runs out: 500$/m);
    expect(all).toMatch(/names .*HOMESERVER_UPDATES_RUN.*PATH/);
    expect(all).not.toMatch(new RegExp(`GIT_DIR|DATABASE_PASSWORD|${UNGUESSABLE}|NODE_|UPDATER_PID`));
  });

  it('holds the lock, but the children of the module do not', async () => {
    const { lines, server } = await runOdd(
      main(`
      const { spawnSync } = await import('node:child_process');
      const held = 'for fd in /proc/$PPID/fd/*; do readlink $fd; done; echo and; for fd in /proc/self/fd/*; do readlink $fd; done';
      console.log(spawnSync('sh', ['-c', held]).stdout.toString());
      console.log('run ' + (await context.run(['sh', '-c', held])).stdout.toString());
      ${succeeds}`),
    );
    const text = lines.join('\n');
    const [byHost = '', byChild = '', byCommand = ''] = [
      ...text.split('and\n').map((part) => part),
      text.split('and').at(-1),
    ];
    for (const lock of [server.paths.lock, `${server.paths.backupDir}/lock`]) {
      expect(byHost).toContain(lock);
      expect(byChild.split('run ')[0]).not.toContain(lock);
      expect(byCommand).not.toContain(lock);
    }
  });

  it('is told what it is: its name, version, settings and a directory of its own', async () => {
    const here = home();
    const source = main(`
      const { name, version, config, stateDir, dryRun, retry } = context;
      console.log('context ' + JSON.stringify({ args, name, version, config, stateDir, dryRun, retry }));
      fs.writeFileSync(stateDir + '/kept', '');
      return { success: true, changed: true };`);
    install(here, 'odd', '1.2.3', {
      ...module('1.2.3', source),
      'index.json': '{"metadata": {"schema_version": "1.2.3"}, "configuration": {"port": 80}}',
    });
    const { odd } = await runAll(here, { retry: true });
    expect(odd).toMatchObject({ status: 'succeeded', changed: true, version: '1.2.3', restarted: false });
    const context = JSON.parse(here.said.find((line) => line.includes('context '))?.split('context ')[1] ?? '{}');
    expect(context).toEqual({
      args: [],
      name: 'odd',
      version: '1.2.3',
      config: { port: 80 },
      stateDir: `${here.server.paths.moduleStates}/odd`,
      dryRun: false,
      retry: true,
    });
    expect(fs.existsSync(`${here.server.paths.moduleStates}/odd/kept`)).toBe(true);
    expect(fs.statSync(`${here.server.paths.moduleStates}/odd`).mode & 0o777).toBe(0o700);
  });

  it('may be written in any of the forms that Node runs', async () => {
    const kinds: Record<string, Kind> = {
      ts: { entry: 'index.ts', source: 'export const main = async (a: string[]) => ({ success: a.length === 0 });' },
      mts: { entry: 'index.mts', source: 'export const main = async (a: string[]) => ({ success: a.length === 0 });' },
      mjs: { entry: 'index.mjs', source: quiet },
      js: { entry: 'index.js', source: quiet },
      'js-common': { entry: 'index.js', source: 'exports.main = async () => ({ success: true });' },
      cjs: { entry: 'index.cjs', source: 'exports.main = async () => ({ success: true });' },
      'top-level-await': {
        entry: 'index.ts',
        source: 'await new Promise((go) => setTimeout(go, 5));\nexport const main = () => ({ success: true });',
      },
    };
    const { outcomes, said } = await runMany(kinds);
    for (const name of Object.keys(kinds)) expect([name, outcomes[name]?.error]).toEqual([name, undefined]);
    expect(said.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('resolves our packages, with the very same classes as the updater gives it', async () => {
    const { odd } = await runOdd(
      main(`
      const { StateManager } = await import('@homeserver/state-manager');
      const { runCommand } = await import('@homeserver/system');
      const { applyPools } = await import('@homeserver/hotfix-pools');
      const { createLogging } = await import('@homeserver/logging');
      if ([runCommand, applyPools, createLogging].some((one) => typeof one !== 'function')) throw new Error('not functions');
      return { success: context.state instanceof StateManager, error: 'not the same class' };`),
    );
    expect([odd.status, odd.error]).toEqual(['succeeded', undefined]);
  });
});

describe('what a module says', () => {
  it('goes to the log under its name: levels, stdout, stderr, and what it leaves without a line end', async () => {
    const { lines } = await runOdd(
      main(`
      context.log.debug('d'); context.log.info('i'); context.log.warn('w'); context.log.error('e');
      console.log('out'); console.error('err'); process.stdout.write('rest');
      return { success: true };`),
    );
    expect(lines.filter((line) => !line.includes(': err'))).toEqual([
      'debug: odd: d',
      'info: odd: i',
      'warn: odd: w',
      'error: odd: e',
      'info: odd: out',
      'info: odd: rest',
    ]);
    expect(lines).toContain('warn: odd: err');
  });

  it('is not taken for a word of the host', async () => {
    const forged = '0123456789abcdef01234567 {"kind":"end","result":{"success":true},"leftovers":[]}';
    const { odd, lines } = await runOdd(main(`console.log('${forged}'); return { success: false, error: 'no disk' };`));
    expect(odd).toMatchObject({ status: 'failed', error: 'no disk' });
    expect(lines).toContain(`info: odd: ${forged}`);
  });

  it('does not matter when it has taken stdout for itself', async () => {
    const { odd } = await runOdd(main('process.stdout.write = () => true; return { success: true };'));
    expect(odd.status).toBe('succeeded');
  });

  it('may be long: a message and an error are cut, and the updater lives', async () => {
    const { odd, next, lines } = await runOdd(
      main("context.log.info('\\u0001'.repeat(1e6)); return { success: false, error: 'x'.repeat(1e6) };"),
    );
    expect([odd.status, odd.error?.length, next.status]).toEqual(['failed', 1000, 'succeeded']);
    expect(lines[0]?.length).toBe('info: odd: '.length + 16 * 1024);
  });
});

const counting = (onceMore: number): string =>
  main(`
  const file = context.stateDir + '/starts';
  const starts = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
  fs.writeFileSync(file, String(starts + 1));
  console.log('start ' + starts + ' pid ' + process.pid);
  return starts < ${onceMore} ? false : { success: true };`);

describe('a restart', () => {
  it('is given once to a module that returns false, in a fresh process', async () => {
    const { odd, next, lines } = await runOdd(counting(1));
    expect([odd.status, odd.restarted, next.status]).toEqual(['succeeded', true, 'succeeded']);
    const pids = lines.flatMap((line) => /start \d pid (\d+)/.exec(line)?.[1] ?? []);
    expect(new Set(pids).size).toBe(2);
  });

  it('is not given twice', async () => {
    const { odd, lines } = await runOdd(counting(9));
    expect(odd).toMatchObject({ status: 'failed', error: 'it asked for a restart a second time', restarted: true });
    expect(lines.filter((line) => line.includes('start '))).toHaveLength(2);
  });
});

describe('dependencies', () => {
  it('are run before, and one that failed, was skipped, or is not here skips its dependents by name', async () => {
    const here = home();
    install(here, 'a', '1.0.0', module('1.0.0', main("return { success: false, error: 'no' };")));
    install(here, 'b', '1.0.0', module('1.0.0', quiet, { dependencies: ['a'] }));
    install(here, 'c', '1.0.0', module('1.0.0', quiet, { dependencies: ['b'] }));
    install(here, 'd', '1.0.0', module('1.0.0', quiet, { dependencies: ['gone'] }));
    install(here, 'e', '1.0.0', module('1.0.0', quiet, { dependencies: ['off'] }));
    install(here, 'f', '1.0.0', module('1.0.0', quiet, { dependencies: ['f'] }));
    install(here, 'off', '1.0.0', module('1.0.0', quiet, { enabled: false }));
    install(here, 'ok', '1.0.0', module('1.0.0', quiet, { priority: 'critical' }));
    install(here, 'z', '1.0.0', module('1.0.0', quiet, { dependencies: ['ok'], priority: 1 }));
    const outcomes = await runAll(here);
    expect(Object.entries(outcomes).map(([name, { status, error }]) => [name, status, error])).toEqual([
      ['f', 'failed', 'its dependencies form a circle: f → f'],
      ['ok', 'succeeded', undefined],
      ['z', 'succeeded', undefined],
      ['a', 'failed', 'no'],
      ['b', 'skipped', 'it depends on a, which failed'],
      ['c', 'skipped', 'it depends on b, which was skipped'],
      ['d', 'skipped', 'it depends on gone, which is not installed and enabled here'],
      ['e', 'skipped', 'it depends on off, which is not installed and enabled here'],
    ]);
  });

  it('that were not asked for are taken to be in order', async () => {
    const here = home();
    install(here, 'a', '1.0.0', module('1.0.0', main('throw new Error();')));
    install(here, 'b', '1.0.0', module('1.0.0', quiet, { dependencies: ['a'] }));
    const outcomes = await runAll(here, { modules: ['b'] });
    expect(Object.entries(outcomes).map(([name, { status }]) => [name, status])).toEqual([['b', 'succeeded']]);
  });
});
