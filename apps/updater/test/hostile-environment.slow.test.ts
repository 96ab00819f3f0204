import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describeOnPostgres, makeTree, startPostgres, type DatabaseServer } from '@homeserver/test-support';
import { beforeAll, expect, it } from 'vitest';
import { moduleFiles } from './support/module-files.ts';
import { program } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

/*
 * Whole runs of the updater, twice: in a clean environment, and in one that is full of traps. Modules write files under a
 * guard, a closure restarts something, and one module fails after it has emptied a database.
 */

const hotfixModule = path.join(import.meta.dirname, '../../../modules/hotfix/index.ts');

interface Traps {
  environment: Record<string, string>;
  cwd: string;
  /** What the traps have caught, a line each. */
  sprung(): string[];
}

/** Whatever is trapped writes its name into one file; what is loaded into the updater itself, into another. */
function setTraps(root: string): Traps {
  const [home, bin, log] = [path.join(root, 'home'), path.join(root, 'here'), path.join(root, 'sprung')];
  const script = `#!/bin/sh\necho "$0 $*" >> ${log}\nexit 1\n`;
  makeTree(root, {
    home: {
      '.gitconfig': `[core]\n\tsshCommand = ${bin}/git\n\thooksPath = ${bin}\n[url "ext::${bin}/git "]\n\tinsteadOf = file://\n`,
      '.psqlrc': `\\! echo psqlrc >> ${log}\n`,
      '.pgpass': '*:*:*:*:wrong\n',
    },
    here: {},
    'shell-start': `echo shell-start >> ${log}\n`,
    'loaded.mjs': `import fs from 'node:fs'; fs.appendFileSync(${JSON.stringify(log)}, 'node ' + process.argv[1] + '\\n');\n`,
  });
  for (const name of ['git', 'sh', 'env', 'psql', 'pg_dump', 'pg_restore', 'systemctl', 'setpriv', 'prlimit', 'getent'])
    fs.writeFileSync(path.join(bin, name), script, { mode: 0o755 });
  const library = preloadedLibrary(root, log);
  return {
    cwd: bin,
    sprung: () => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n') : []),
    environment: {
      HOME: home,
      XDG_CONFIG_HOME: home,
      PATH: `.::${process.env['PATH'] ?? ''}:.`,
      ...(library === undefined ? {} : { LD_PRELOAD: library }),
      NODE_OPTIONS: `--import=file://${root}/loaded.mjs`,
      BASH_ENV: path.join(root, 'shell-start'),
      ENV: path.join(root, 'shell-start'),
      GIT_DIR: '/nonexistent',
      GIT_WORK_TREE: '/nonexistent',
      GIT_INDEX_FILE: '/nonexistent',
      GIT_OBJECT_DIRECTORY: '/nonexistent',
      GIT_EXEC_PATH: bin,
      GIT_SSH_COMMAND: `${bin}/git`,
      GIT_ASKPASS: `${bin}/git`,
      GIT_ALLOW_PROTOCOL: 'ext',
      GIT_CONFIG_GLOBAL: path.join(home, '.gitconfig'),
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: `${bin}/git`,
      GIT_TRACE: log,
      PGHOST: '/nonexistent',
      PGPORT: '1',
      PGUSER: 'nobody-at-all',
      PGDATABASE: 'nothing',
      PGPASSWORD: 'wrong',
      PGOPTIONS: '-c default_transaction_read_only=on',
      PGSERVICE: 'nothing',
      MYSQL_HOME: home,
      HOMESERVER_UPDATES_RUN: 'somebody-elses',
    },
  };
}

/** A library that says which program it was loaded into; undefined where there is no compiler. */
function preloadedLibrary(root: string, log: string): string | undefined {
  const source = `#include <stdio.h>
    __attribute__((constructor)) static void loaded(void) {
      char name[4096] = {0};
      FILE *line = fopen("/proc/self/cmdline", "r"), *log = fopen("${log}", "a");
      fread(name, 1, sizeof name - 1, line);
      fprintf(log, "library %s\\n", name);
    }`;
  const [file, library] = [path.join(root, 'loaded.c'), path.join(root, 'loaded.so')];
  fs.writeFileSync(file, source);
  const { status } = spawnSync('cc', ['-shared', '-fPIC', '-w', '-o', library, file]);
  if (status !== 0) process.stderr.write('LEFT OUT: LD_PRELOAD in a hostile environment; there is no C compiler.\n');
  return status === 0 ? library : undefined;
}

/** Without the times, and the names of what was displaced. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/^\[[^\]]*\] /, '').replace(/(is kept in |Fetched \d+ objects, ).*/, '$1'));

await describeOnPostgres('a run of the updater in a hostile environment', () => {
  let postgres: DatabaseServer;
  let databases = 0;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.stop();
  });

  /** A server with a new version of four modules: one is guarded, one has closures, one is only there, and one fails. */
  async function server(): Promise<{ server: ServerFolder; rows: () => Promise<string> }> {
    const here = await serverFolder();
    const database = `home_${(databases += 1)}`;
    await postgres.sql(`CREATE DATABASE ${database}`);
    await postgres.sql('CREATE TABLE people (name text); INSERT INTO people VALUES ($$a$$), ($$b$$)', database);
    const isRoot = process.getuid?.() === 0;
    const connection = {
      type: 'postgresql',
      host: postgres.socket,
      port: postgres.port,
      database,
      ...(isRoot ? {} : { user: 'postgres' }),
    };
    const psql = ['psql', '-X', '-h', postgres.socket, '-p', String(postgres.port), '-U', 'postgres', '-d', database];
    const asAdministrator = isRoot
      ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...psql]
      : psql;
    const live = path.join(here.root, 'live');
    makeTree(here.root, { live: { guarded: 'old', patched: 'old', emptied: 'old' } });
    const what = JSON.stringify({ files: [`${live}/emptied`], databases: [connection] });
    await here.repository.commit({
      modules: {
        guarded: moduleFiles('guarded', {
          version: '1.0.0',
          main: `await context.state.guard(context.name, { files: ['${live}/guarded'] }, async () => {
            const { stdout } = await context.run(['sh', '-c', 'env | sed "s/=.*//" | sort | tr "\\\\n" " "; echo "$PATH"; git --version']);
            fs.writeFileSync('${live}/guarded', stdout);
          });
          return { success: true, changed: true };`,
        }),
        failing: moduleFiles('failing', {
          version: '1.0.0',
          main: `await context.state.guard(context.name, ${what}, async () => {
            fs.writeFileSync('${live}/emptied', '');
            const { exitCode } = await context.run(${JSON.stringify([...asAdministrator, '-c', 'DELETE FROM people'])});
            throw new Error('emptied with ' + exitCode);
          });`,
        }),
        quiet: moduleFiles('quiet', { version: '1.0.0' }),
        hotfix: {
          'index.json': JSON.stringify({
            metadata: { schema_version: '1.0.0', name: 'hotfix' },
            pools: [
              {
                id: 'patch',
                operations: [{ target: 'patched', destination: `${live}/patched` }],
                closure: [`cd ${live}`, 'env | sed "s/=.*//" | sort > closure-saw', 'git --version >> closure-saw'],
              },
            ],
          }),
          'index.ts': fs.readFileSync(hotfixModule),
          src: { patched: 'new' },
        },
      },
    });
    return { server: here, rows: () => postgres.sql('SELECT * FROM people ORDER BY 1', database) };
  }

  /** Two runs, and all that they did. */
  async function outcome(traps?: Traps): Promise<unknown> {
    const { server: here, rows } = await server();
    const options = traps === undefined ? {} : { environment: traps.environment, cwd: traps.cwd };
    const runs = [await here.start(['run', '--json'], options).ended, await here.start(['run'], options).ended];
    const live = path.join(here.root, 'live');
    const data = JSON.parse(runs[0]?.stdout ?? '').data as {
      modules: { name: string; status: string; error?: string }[];
    };
    return {
      exitCodes: runs.map(({ exitCode }) => exitCode),
      said: runs.map(({ stderr }) => linesOf(stderr.replaceAll(here.root, 'ROOT'))),
      outcomes: data.modules.map(({ name, status, error }) => `${name} ${status} ${error ?? ''}`),
      index: here.index(),
      files: Object.fromEntries(
        fs.readdirSync(live).map((name) => [name, fs.readFileSync(path.join(live, name), 'utf8')]),
      ),
      rows: await rows(),
    };
  }

  it('does all that it does in a clean one, and nothing of what is set reaches a program that it starts', async () => {
    const clean = (await outcome()) as { files: Record<string, string>; rows: string; outcomes: string[] };
    // What is compared is there.
    expect(clean).toMatchObject({ exitCodes: [3, 0], rows: 'a\nb', files: { patched: 'new', emptied: 'old' } });
    expect(clean.files['guarded']).toMatch(/PATH .*git version/s);
    expect(clean.outcomes).toContainEqual(expect.stringMatching(/^failing failed emptied with 0/));
    const root = (await serverFolder()).root;
    const traps = setTraps(root);
    expect(await outcome(traps)).toEqual(clean);
    // Node and the loader obey their own variables before a line of the program runs; it hands them on to nobody.
    const loaded = 'LD_PRELOAD' in traps.environment ? [`library ${process.execPath}`] : [];
    const ofOneRun = [`node ${program}`, ...loaded];
    expect(traps.sprung()).toEqual([...ofOneRun, ...ofOneRun]);
  });
});
