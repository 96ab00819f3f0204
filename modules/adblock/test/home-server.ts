import fs from 'node:fs';
import path from 'node:path';
import type { ModuleContext, ModuleResult } from '@homeserver/orchestrator';
import { makeTree, temporaryDirectory } from '@homeserver/test-support';
import { main } from '../index.ts';
import { startListServer, type ListServer, type Page } from './list-server.ts';
import { moduleContext } from './module-context.ts';

export interface HomeServer extends ListServer {
  directory: string;
  outputPath: string;
  config: Record<string, unknown>;
  /** Runs the module once more. */
  run(config?: Record<string, unknown>, overrides?: Partial<ModuleContext>): Promise<ModuleResult & { said: string[] }>;
  output(): string;
  /** What the resolver works with: it takes the file over when it is reloaded. */
  inUse(): string;
  /** The commands that were run, in order. */
  commands(): string[];
}

/** A machine with a resolver, and a server that has its lists under /a and /b. */
export async function homeServer(pages: Record<string, Page>): Promise<HomeServer> {
  const directory = temporaryDirectory();
  makeTree(directory, { resolver: {}, commands: '', 'in-use': '' });
  const outputPath = path.join(directory, 'resolver/adblock.conf');
  const server = await startListServer(pages);
  const config = {
    sources: [server.url('/a'), server.url('/b')],
    output_path: outputPath,
    check: [`cd ${directory}`, 'echo check >> commands', '! grep -s broken.example resolver/adblock.conf'],
    reload: [`cd ${directory}`, 'echo reload >> commands', 'cat resolver/adblock.conf > in-use'],
  };
  const read = (name: string): string => fs.readFileSync(path.join(directory, name), 'utf8');
  return Object.assign(server, {
    directory,
    outputPath,
    config,
    run: async (more: Record<string, unknown> = {}, overrides: Partial<ModuleContext> = {}) => {
      const context = moduleContext(directory, { ...config, ...more }, overrides);
      return { ...(await main([], context)), said: context.said };
    },
    output: () => read('resolver/adblock.conf'),
    inUse: () => read('in-use'),
    commands: () => read('commands').split('\n').slice(0, -1),
  });
}

/** The blocked domains of a file for unbound. */
export const zones = (text: string): string[] =>
  [...text.matchAll(/"(.*)" always_null/g)].map(([, domain = '']) => domain);
