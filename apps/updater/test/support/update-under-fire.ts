import fs from 'node:fs';
import path from 'node:path';
import { describeTree, file, type TreeNode } from '@homeserver/test-support';
import { processesWith } from './kill-everything.ts';
import { moduleFiles } from './module-files.ts';
import { program } from './run-updater.ts';
import { serverFolder, type ServerFolder } from './server-folder.ts';

/*
 * A server at 1.0.0 whose repository has 2.0.0 of three modules: one changes two files under a guard, by way of a child
 * process; one fails and is rolled back; one is only files.
 */
const moduleNames = ['guarding', 'failing', 'plain'] as const;
const mutable = ['lib', 'state', 'backups', 'etc'] as const;

export interface UpdateUnderFire {
  server: ServerFolder;
  /** How long the update takes when nothing disturbs it. */
  lastsMs: number;
  /** Goes back to before the update. */
  reset(): void;
  /** Starts the update as `countCalls` and `killAtCall` take it. */
  command: [string, string, string];
  /** Where they count; with the environment of the server. */
  watched: { under: string[]; env: Record<string, string> };
  /** Modules that a reader would find missing or mixed now; nothing at any instant. */
  broken(): string[];
  /** What is wrong; nothing, when each module is exactly old or new, all else agrees, and nothing is left over. */
  problems(): string[];
}

/** Every process of this server is started with this in its environment. */
export const mark = (server: ServerFolder): Record<string, string> => ({ TMPDIR: server.root });

/** `fails`: whether the new version of one of the modules fails; then the update ends with exit code 3, else with 0. */
export async function updateUnderFire(options: { fails?: boolean } = {}): Promise<UpdateUnderFire> {
  const { fails = true } = options;
  const server = await serverFolder();
  const [etc, template] = [path.join(server.root, 'etc'), path.join(server.root, 'template')];
  fs.mkdirSync(etc);
  for (const name of ['one', 'two']) fs.writeFileSync(path.join(etc, name), 'mine');
  const expected = new Map<string, string[]>();
  const install = async (version: string): Promise<number> => {
    await server.repository.commit({ modules: modulesAt(version, etc, fails) });
    const started = performance.now();
    // Phase by phase: the failing version is only there until it has run.
    await server.updater('run', '--only', 'replace');
    for (const name of moduleNames) expected.set(`${name} ${version}`, filesOf(server, server.entryOf(name)));
    await server.updater('run', '--only', 'run');
    return performance.now() - started;
  };
  await install('1.0.0');
  copyMutable(server.root, template);
  const lastsMs = (await install('2.0.0')) * 0.75; // The program was started twice.
  return {
    server,
    lastsMs,
    reset: () => copyMutable(template, server.root),
    command: [process.execPath, program, 'run'],
    watched: {
      under: mutable.map((name) => path.join(server.root, name)),
      env: { PATH: process.env['PATH'] ?? '', HOME: server.root, ...server.environment, ...mark(server) },
    },
    broken: () => moduleNames.flatMap((name) => brokenModule(server, expected, name) ?? []),
    problems: () => [
      ...wrongModules(server, expected),
      ...leftovers(server),
      ...processesWith('TMPDIR', server.root).map((words) => `still running: ${words}`),
    ],
  };
}

function modulesAt(version: string, etc: string, newOneFails: boolean): { [name: string]: TreeNode } {
  const fails = version === '1.0.0' || !newOneFails ? {} : { main: `throw new Error('it broke');` };
  return {
    guarding: moduleFiles('guarding', { version, main: guarding(etc) }),
    failing: moduleFiles('failing', { version, ...fails }),
    plain: moduleFiles('plain', {
      version,
      files: { 'tool.sh': file(`echo ${version}\n`, 0o755), data: { text: version.repeat(5000) } },
    }),
  };
}

const guarding = (etc: string): string => `
  const [one, two] = ['${etc}/one', '${etc}/two'];
  const isDone = [one, two].every((file) => fs.readFileSync(file, 'utf8') === context.version);
  if (isDone) return { success: true, changed: false };
  await context.state.guard('guarding', { files: [one, two] }, async () => {
    fs.writeFileSync(one, context.version);
    const script = 'printf half > ' + two + ' && sleep 0.05 && printf ' + context.version + ' > ' + two;
    const { exitCode } = await context.run(['sh', '-c', script]);
    if (exitCode !== 0) throw new Error('the child failed');
  });
  return { success: true, changed: true };`;

function copyMutable(from: string, to: string): void {
  const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
  for (const name of mutable) {
    fs.rmSync(path.join(to, name), { recursive: true, force: true });
    fs.cpSync(path.join(from, name), path.join(to, name), options);
  }
}

function filesOf({ modulesPath }: ServerFolder, entry = 'none'): string[] {
  const directory = path.join(modulesPath, 'store', entry);
  return fs.existsSync(directory) ? describeTree(directory, { times: false, owners: false }) : [];
}

function versionIn(entry = ''): string {
  return /@(.*)-[0-9a-f]{12}$/.exec(entry)?.[1] ?? 'none';
}

function brokenModule(server: ServerFolder, expected: ReadonlyMap<string, string[]>, name: string): string | undefined {
  const entry = server.entryOf(name);
  const version = versionIn(entry);
  const isWhole = JSON.stringify(filesOf(server, entry)) === JSON.stringify(expected.get(`${name} ${version}`));
  return isWhole ? undefined : `${name} is not exactly ${version}`;
}

function wrongModules(server: ServerFolder, expected: ReadonlyMap<string, string[]>): string[] {
  const problems = moduleNames.flatMap((name) => {
    const version = versionIn(server.entryOf(name));
    const indexed = server.index()[name];
    return [
      brokenModule(server, expected, name) ?? [],
      indexed === version ? [] : `index.json says ${name} ${indexed}, its link ${version}`,
    ].flat();
  });
  const guarded = ['one', 'two'].map((name) => fs.readFileSync(path.join(server.root, 'etc', name), 'utf8'));
  const wanted = versionIn(server.entryOf('guarding'));
  return guarded.every((content) => content === wanted)
    ? problems
    : [...problems, `guarded files: ${guarded.join(', ')}`];
}

function leftovers({ root, modulesPath, stateDir, backupDir, entryOf }: ServerFolder): string[] {
  const linked = new Set(fs.readdirSync(path.join(modulesPath, 'modules')).map((name) => entryOf(name)));
  const isLeftover = /\.tmp$|\.taken$|\.replacement$|^replace\.json$|^repo.*(\.lock$|\/tmp_)/;
  return [
    ...mutable.flatMap((name) => namesBelow(path.join(root, name)).filter((entry) => isLeftover.test(entry))),
    ...[path.join(backupDir, 'journal'), path.join(stateDir, 'intents')].flatMap(namesBelow),
    ...fs.readdirSync(path.join(modulesPath, 'store')).filter((entry) => entry.includes('@') && !linked.has(entry)),
  ].map((entry) => `left over: ${entry}`);
}

function namesBelow(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
}
