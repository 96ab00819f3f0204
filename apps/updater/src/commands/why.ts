import { why } from '@homeserver/orchestrator';
import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater why <module>`: one sentence. */
export async function whyCommand(context: CommandContext, module: string): Promise<number> {
  const sentence = lookAt(context, (server) => why(server, module));
  context.answer({ module, why: sentence }, [sentence]);
  return EXIT.done;
}
