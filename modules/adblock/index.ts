import fs from 'node:fs';
import path from 'node:path';
import type { ModuleContext, ModuleResult } from '@homeserver/orchestrator';
import { fetchLists } from './src/fetch-lists.ts';
import { install } from './src/install.ts';
import { mergeLists } from './src/merge-lists.ts';
import { readConfiguration } from './src/read-configuration.ts';
import { render } from './src/render.ts';

/** Keeps the resolver's block list current. What it throws is reported as the module's failure; the server is as before then. */
export async function main(_args: string[], context: ModuleContext): Promise<ModuleResult> {
  const configuration = readConfiguration(context);
  if (!hasResolver(configuration.outputPath, context)) return { success: true, changed: false };

  const lists = await fetchLists(configuration.sources, context);
  const merged = mergeLists(lists, configuration);
  const changed = await install(render(merged, configuration.format), configuration, context);
  return { success: true, changed };
}

/** A machine without the resolver has no place for its configuration; that is no failure. */
function hasResolver(outputPath: string, { log }: ModuleContext): boolean {
  const directory = path.dirname(outputPath);
  if (fs.existsSync(directory)) return true;
  log.info(`no resolver configured here: ${directory} does not exist`);
  return false;
}
