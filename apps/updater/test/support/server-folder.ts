import fs from 'node:fs';
import path from 'node:path';
import { createRepository, describeTree, temporaryDirectory, type GitRepository } from '@homeserver/test-support';
import { checkAnswer } from './valid-answer.ts';
import { startUpdater, type Ended, type Running, type StartOptions } from './run-updater.ts';

/** A home server in a folder of its own, and beside it the repository that it pulls. */
export interface ServerFolder {
  readonly root: string;
  readonly repository: GitRepository;
  readonly modulesPath: string;
  readonly stateDir: string;
  readonly backupDir: string;
  readonly logFile: string;
  /** The settings as variables: UPDATER_REPO_URL and so on. */
  readonly environment: Record<string, string>;
  start(args: readonly string[], options?: StartOptions): Running;
  /** Runs `updater ...args` to its end. */
  updater(...args: string[]): Promise<Ended>;
  /** Runs `updater ...args --json`; its answer must be the one object on stdout, and as its published schema says. */
  answer(...args: string[]): Promise<Ended & { answer: Answer }>;
  /** What can be seen of the installed modules and the backups; times and the lock's note of its last holder do not count. */
  contents(): string[];
  /** What modules/<name> points at: `<name>@<version>-<tree>`; undefined when it is not installed. */
  entryOf(name: string): string | undefined;
  /** The versions that the global index.json names. */
  index(): Record<string, string>;
}

export interface Answer {
  schema: string;
  ok: boolean;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  data?: any;
  error?: { code: string; message: string; hint?: string; exit_code: number };
}

export async function serverFolder(root: string = temporaryDirectory()): Promise<ServerFolder> {
  const repository = await createRepository(path.join(root, 'repository'));
  const at = (name: string): string => path.join(root, name);
  const [modulesPath, stateDir, backupDir, logFile] = [at('lib'), at('state'), at('backups'), at('updates.log')];
  const environment = {
    UPDATER_REPO_URL: repository.url,
    UPDATER_MODULES_PATH: modulesPath,
    UPDATER_STATE_DIR: stateDir,
    UPDATER_BACKUP_DIR: backupDir,
    UPDATER_LOG_FILE: logFile,
  };
  const start = (args: readonly string[], options: StartOptions = {}): Running =>
    startUpdater(args, { ...options, environment: { ...environment, ...options.environment } });
  return {
    root,
    repository,
    modulesPath,
    stateDir,
    backupDir,
    logFile,
    environment,
    start,
    updater: (...args) => start(args).ended,
    answer: async (...args) => {
      const ended = await start([...args, '--json']).ended;
      return { ...ended, answer: parseAnswer(ended) };
    },
    contents: () => [
      'modules path',
      ...treeOf(modulesPath),
      'backups',
      ...treeOf(backupDir).filter((line) => !line.startsWith('./lock ')),
    ],
    entryOf: (name) => {
      const link = path.join(modulesPath, 'modules', name);
      return fs.lstatSync(link, { throwIfNoEntry: false }) === undefined
        ? undefined
        : path.basename(fs.readlinkSync(link));
    },
    index: () =>
      (
        JSON.parse(fs.readFileSync(path.join(modulesPath, 'index.json'), 'utf8')) as {
          packages: Record<string, string>;
        }
      ).packages,
  };
}

function treeOf(directory: string): string[] {
  return fs.existsSync(directory) ? describeTree(directory, { times: false }) : ['is missing'];
}

function parseAnswer({ exitCode, stdout, stderr }: Ended): Answer {
  let answer: Answer;
  try {
    answer = JSON.parse(stdout) as Answer;
  } catch {
    throw new Error(`not one JSON object on stdout: ${JSON.stringify(stdout)}\n${stderr}`);
  }
  checkAnswer(answer);
  const { error } = answer;
  if (error !== undefined && error.exit_code !== exitCode) throw new Error(`exit code ${exitCode}: ${stdout}`);
  return answer;
}
