import fs from 'node:fs';
import path from 'node:path';
import { HotfixManager, type ApplyHotfixesOptions, type OperationsReport } from '../../src/index.ts';
import { Server } from '../server.ts';

export interface Written {
  id: string;
  type: 'copy' | 'append' | 'symlink' | 'execute';
  source: string;
  [field: string]: unknown;
}

/** A server folder with a module of operations; `LIVE` in what an author writes stands for the live folder. */
export class OperationsServer extends Server {
  /** Sources by name; a script is text. */
  sources(files: Record<string, string>): void {
    for (const [name, content] of Object.entries(files)) this.source(name, content.replaceAll('LIVE', this.live));
  }

  operations(version: string, operations: Written[], rest: Record<string, unknown> = {}): void {
    const document = { metadata: { schema_version: version }, ...rest, operations };
    this.document(JSON.stringify(document).replaceAll('LIVE', this.live));
  }

  manager(): HotfixManager {
    return new HotfixManager(this.module, { state: this.state(), stateDir: this.stateDir, logger: this.logger });
  }

  async applyOperations(options: ApplyHotfixesOptions = {}): Promise<OperationsReport> {
    return (await this.manager().applyHotfixes(options)).report as OperationsReport;
  }

  /** Lines that scripts wrote into `steps` beside the live folder. */
  steps(): string[] {
    const file = path.join(this.root, 'steps');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }
}

/** A script that says its name, and then does what else is given. */
export const step = (name: string, more = ''): string => `echo ${name} >> LIVE/../steps\n${more}\n`;

/** `id: state` of each operation. */
export const states = (report: OperationsReport): string[] =>
  report.operations.map(({ id, state }) => `${id}: ${state}`);
