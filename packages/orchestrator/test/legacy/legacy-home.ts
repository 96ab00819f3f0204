import fs from 'node:fs';
import path from 'node:path';
import { checksumOfDirectory } from '../../src/legacy/directory-checksum.ts';
import { home, install, main, module, type Home } from '../support.ts';

interface WrittenUpdate {
  name: string;
  checksum?: string;
  children?: unknown[];
  [field: string]: unknown;
}

export interface LegacyHome extends Home {
  file: string;
  /** Installs modules by name; the body of main() may use `note(line)`, which adds a line under a guard. */
  modules(bodies: Record<string, string>): void;
  /** An update as manifest.json has it, with the checksum of its directory. */
  update(name: string, more?: Record<string, unknown>): WrittenUpdate;
  /** Writes manifest.json; the first update is the entrypoint. */
  manifest(...updates: WrittenUpdate[]): void;
  read(): { updates: WrittenUpdate[] };
  /** The lines that were noted, in their order. */
  noted(): string[];
}

export const succeed = 'await note(context.name); return { success: true, changed: true };';

export function legacyHome(): LegacyHome {
  const here = home();
  const file = here.server.paths.manifest;
  const notes = path.join(here.root, 'notes');
  fs.writeFileSync(notes, '');
  return {
    ...here,
    file,
    modules: (bodies) => {
      for (const [name, body] of Object.entries(bodies)) {
        const note = `const note = (line) => context.state.guard(context.name, { files: ['${notes}'] }, async () => fs.appendFileSync('${notes}', line + '\\n'));`;
        install(here, name, '1.0.0', module('1.0.0', main(`${note}\n${body}`)));
      }
    },
    update: (name, more = {}) => ({
      name,
      version: '1.0.0',
      checksum: checksumOfDirectory(here.at(String(more['module'] ?? name))),
      lastApplied: null,
      enabled: true,
      description: 'one of ours',
      ...more,
    }),
    manifest: (...updates) => {
      const text = JSON.stringify({ updates, entrypoint: updates[0]?.name, note: 'kept' }, undefined, 4);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, `${text}\n`);
    },
    read: () => JSON.parse(fs.readFileSync(file, 'utf8')) as { updates: WrittenUpdate[] },
    noted: () => fs.readFileSync(notes, 'utf8').split('\n').slice(0, -1),
  };
}
