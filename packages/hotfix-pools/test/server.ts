import fs from 'node:fs';
import path from 'node:path';
import { StateManager, type StateManagerOptions } from '@homeserver/state-manager';
import type { Logger } from '@homeserver/system';
import { describeTree, makeTree, temporaryDirectory, type TreeNode } from '@homeserver/test-support';
import { applyPools, type ApplyPoolsOptions, type PoolsReport } from '../src/index.ts';

/** A pool as an author writes it; destinations may be relative to the live folder. */
export interface AuthorsPool {
  id: string;
  files: Record<string, string>;
  closure?: string[];
  timeoutSeconds?: number;
}

/** A server folder: a module with pools, a live tree that they change, and where state and backups go. */
export class Server {
  readonly root: string = temporaryDirectory();
  readonly module: string = path.join(this.root, 'module');
  readonly live: string = path.join(this.root, 'live');
  readonly stateDir: string = path.join(this.root, 'state');
  readonly backupDir: string = path.join(this.root, 'backups');
  readonly log: string[] = [];

  constructor(live: { [name: string]: TreeNode } = {}) {
    fs.mkdirSync(path.join(this.module, 'src'), { recursive: true });
    fs.mkdirSync(this.live, { mode: 0o755 });
    makeTree(this.live, live);
  }

  source(name: string, content: TreeNode): void {
    fs.rmSync(path.join(this.module, 'src', name), { force: true });
    makeTree(path.join(this.module, 'src'), { [name]: content });
  }

  /** index.json as it is given. */
  document(json: unknown): void {
    fs.writeFileSync(path.join(this.module, 'index.json'), typeof json === 'string' ? json : JSON.stringify(json));
  }

  /** index.json with these pools; each destination `x` gets the source `x` (slashes become dashes). */
  pools(version: string, pools: AuthorsPool[], finalClosure?: string[]): void {
    this.document({
      metadata: { schema_version: version },
      pools: pools.map(({ id, files, closure = [], timeoutSeconds }) => ({
        id,
        operations: Object.entries(files).map(([destination, content]) => {
          const target = `${id}-${destination.replaceAll('/', '-')}`;
          this.source(target, content);
          return { target, destination: path.join(this.live, destination) };
        }),
        closure: closure.map((line) => line.replaceAll('LIVE', this.live)),
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      })),
      ...(finalClosure === undefined
        ? {}
        : { finalClosure: finalClosure.map((line) => line.replaceAll('LIVE', this.live)) }),
    });
  }

  state(options: Pick<StateManagerOptions, 'session' | 'run' | 'lock'> = {}): StateManager {
    return new StateManager({ backupDir: this.backupDir, ...options });
  }

  async apply(options: Partial<ApplyPoolsOptions> = {}): Promise<PoolsReport> {
    return applyPools({
      directory: this.module,
      state: this.state(),
      stateDir: this.stateDir,
      logger: this.logger,
      ...options,
    });
  }

  get logger(): Logger {
    const say = (level: string) => (message: string) => void this.log.push(`${level} ${message}`);
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.live, name), 'utf8');
  }

  write(name: string, content: string): void {
    fs.writeFileSync(path.join(this.live, name), content);
  }

  exists(name: string): boolean {
    return fs.existsSync(path.join(this.live, name));
  }

  /** All that can be seen of the live tree; directories without their times, which any file made in them changes. */
  describe(): string[] {
    return describeLive(this.live);
  }
}

export function describeLive(directory: string): string[] {
  return describeTree(directory).map((line) => line.replace(/^(.* dir \d+ \d+:\d+) \d+$/, '$1'));
}

/** `id: state or skip reason` of each pool. */
export function endings(report: PoolsReport): string[] {
  return report.pools.map((pool) => `${pool.id}: ${pool.skip ?? pool.state}`);
}

/** A closure that counts its runs and passes while the destination `a` is not "broken". */
export const countingClosure: string[] = ['echo run >> LIVE/../runs', '! grep -q broken LIVE/a'];

/** Lines in a file beside the live tree; 0 while there is none. */
export function countLines(server: Server, name: string): number {
  const log = path.join(server.root, name);
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').split('\n').length - 1 : 0;
}
