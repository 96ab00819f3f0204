import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { lastScreen, MAINTAINER } from '@homeserver/test-support';
import type { Story } from './story.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const shippedModules = ['adblock', 'hotfix'] as const;

export interface CommandEnd {
  exitCode: number | null;
  output: string;
}

/** A maintainer's repository and a server folder beside it, made anew in `directory`. Nothing outside is touched. */
export class Stage {
  readonly repository: string;
  readonly server: string;
  readonly #story: Story;
  readonly #environment: Record<string, string>;

  constructor(directory: string, story: Story) {
    fs.rmSync(directory, { recursive: true, force: true });
    this.repository = path.join(directory, 'repository');
    this.server = path.join(directory, 'server');
    this.#story = story;
    const settings = {
      UPDATER_REPO_URL: `file://${this.repository}`,
      UPDATER_MODULES_PATH: path.join(this.server, 'lib'),
      UPDATER_STATE_DIR: path.join(this.server, 'state'),
      UPDATER_BACKUP_DIR: path.join(this.server, 'backups'),
      UPDATER_LOG_FILE: path.join(this.server, 'log', 'updates.log'),
    };
    const { HOME = directory, LANG = 'C.UTF-8' } = process.env;
    const bin = path.join(root, 'node_modules', '.bin');
    this.#environment = { HOME, LANG, PATH: `${bin}:${process.env['PATH'] ?? ''}`, ...settings };
    fs.mkdirSync(this.server, { recursive: true });
    this.#makeRepository();
  }

  /** A path in the server folder. */
  at(...parts: string[]): string {
    return path.join(this.server, ...parts);
  }

  read(...parts: string[]): string {
    return fs.readFileSync(this.at(...parts), 'utf8');
  }

  write(file: string, content: string, mode = 0o644): void {
    fs.mkdirSync(path.dirname(this.at(file)), { recursive: true });
    fs.writeFileSync(this.at(file), content, { mode });
  }

  /** The version that the server's index has of a module. */
  version(module: string): string | undefined {
    const index = JSON.parse(this.read('lib', 'index.json')) as { packages: Record<string, string> };
    return index.packages[module];
  }

  #makeRepository(): void {
    fs.mkdirSync(path.join(this.repository, 'modules'), { recursive: true });
    this.#git('init', '--quiet', '--initial-branch=main');
    fs.writeFileSync(
      path.join(this.repository, 'index.json'),
      JSON.stringify({ metadata: { schema_version: '1.0.0', channel: 'stable' } }, undefined, 2),
    );
    for (const module of shippedModules) this.#ship(path.join(root, 'modules', module), module);
    this.#ship(path.join(import.meta.dirname, '../modules/album'), 'album');
  }

  /** Copies what servers need of a module: not its tests, nor what was installed for them. */
  #ship(from: string, module: string): void {
    const leftOut = new Set(['node_modules', 'test', '.turbo']);
    fs.cpSync(from, path.join(this.repository, 'modules', module), {
      recursive: true,
      filter: (source) => !leftOut.has(path.basename(source)),
    });
  }

  /** The maintainer edits a module's index.json (merged) and files below it, and commits. */
  release(
    module: string,
    version: string,
    change: { index?: Record<string, unknown>; files?: Record<string, string> } = {},
  ): void {
    const directory = path.join(this.repository, 'modules', module);
    const file = path.join(directory, 'index.json');
    const index = JSON.parse(fs.readFileSync(file, 'utf8')) as { metadata: object; configuration?: object };
    const { configuration, ...rest } = (change.index ?? {}) as { configuration?: object };
    const next = {
      ...index,
      ...rest,
      metadata: { ...index.metadata, schema_version: version },
      ...(index.configuration || configuration ? { configuration: { ...index.configuration, ...configuration } } : {}),
    };
    fs.writeFileSync(file, `${JSON.stringify(next, undefined, 2)}\n`);
    for (const [name, content] of Object.entries(change.files ?? {})) {
      fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), content);
    }
    this.commit(`${module} ${version}`);
  }

  commit(message: string): void {
    this.#git('add', '--all');
    this.#git('commit', '--quiet', `--message=${message}`);
  }

  #git(...args: string[]): void {
    const identity = { GIT_AUTHOR_NAME: 'Maintainer', GIT_AUTHOR_EMAIL: 'maintainer@example.org' };
    const committer = { GIT_COMMITTER_NAME: 'Maintainer', GIT_COMMITTER_EMAIL: 'maintainer@example.org' };
    const isolated = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
    execFileSync('git', ['-C', this.repository, ...args], {
      // The mark tells whoever watches the tests that this git is a maintainer's, and none of the updater.
      env: { ...process.env, ...identity, ...committer, ...isolated, [MAINTAINER]: '1' },
    });
  }

  /** Runs a program of the project as its user would, and shows the lines of its output that `show` accepts. */
  run(line: string, show: (line: string) => boolean = () => true): CommandEnd {
    this.#story.command(line);
    const [command = '', ...args] = line.split(' ');
    const { status, stdout, stderr } = spawnSync(command, args, {
      env: this.#environment,
      encoding: 'utf8',
      input: '',
    });
    const output = `${stdout ?? ''}${stderr ?? ''}`;
    this.#story.output(output.split('\n').filter((one) => one !== '' && show(one)));
    this.#story.output([`exit code ${status}`]);
    return { exitCode: status, output };
  }

  /** Runs a program on a terminal (script, of util-linux), and returns what stands there in the end, without colours. */
  watch(line: string, columns: number): { exitCode: number | null; screen: string[] } {
    const inside = ['--quiet', '--return', '--command', `stty cols ${columns} rows 40; exec ${line}`, '/dev/null'];
    const { status, stdout } = spawnSync('script', inside, {
      env: { ...this.#environment, SHELL: '/bin/sh', TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '1' },
      encoding: 'utf8',
      input: '',
    });
    return { exitCode: status, screen: lastScreen(stdout.replaceAll('\r\n', '\n')) };
  }

  /** Starts a program and returns at once. */
  start(line: string): ChildProcess {
    this.#story.command(`${line} &`);
    const [command = '', ...args] = line.split(' ');
    return spawn(command, args, { env: this.#environment, stdio: 'ignore', detached: true });
  }
}

/** Lines of the log that tell the story: updates, results, warnings and errors; not what a closure prints. */
export function telling(line: string): boolean {
  return (
    /needs update|Updated module|✓|✗|album: |adblock: |hotfix: |\[WARNING\]|\[ERROR\]/.test(line) &&
    !line.includes(' | ')
  );
}
