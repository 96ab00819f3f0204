import { Verbatim } from '@homeserver/system';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { settingsSchema } from '../settings/settings-schema.ts';

/** `updater config schema`: a JSON Schema of the settings file; without --json as a file of its own. */
export async function configSchemaCommand(context: CommandContext): Promise<number> {
  const schema = settingsSchema();
  context.answer(new Verbatim(schema), JSON.stringify(schema, null, 2).split('\n'));
  return EXIT.done;
}
