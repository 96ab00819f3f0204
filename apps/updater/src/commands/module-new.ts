import fs from 'node:fs';
import path from 'node:path';
import { newModule } from '@homeserver/orchestrator';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater module new <name>`: a module to begin with, in modules/ where that or a repository is. */
export async function moduleNewCommand(context: CommandContext, name: string, flags: { in?: string }): Promise<number> {
  const parent = flags.in ?? (['modules', '.git'].some((sign) => fs.existsSync(sign)) ? 'modules' : '.');
  const { directory, files } = newModule(parent, name);
  const shown = path.relative(process.cwd(), directory) || '.';
  context.answer({ directory, files }, [
    ...files.map((file) => path.join(shown, file)),
    `Try it: updater module test ${shown}`,
  ]);
  return EXIT.done;
}
