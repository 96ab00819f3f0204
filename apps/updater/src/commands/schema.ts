import { didYouMean, nearestName, Verbatim } from '@homeserver/system';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { SettingsError } from '../settings/settings-error.ts';

/** `updater schema [command]`: a JSON Schema of the command's --json answer; `event`: of the lines before it with
 * --json-lines; without a word, all by their names. */
export async function schemaCommand(context: CommandContext, words: readonly string[]): Promise<number> {
  const { schemaNames, answerSchema } = await import('../answers/answer-schemas.ts'); // Few commands need it.
  const name = words.join('-');
  const all = (): object => Object.fromEntries(schemaNames.map((one) => [one, answerSchema(one)]));
  const schema = name === '' ? all() : answerSchema(name);
  if (schema === undefined) {
    const spoken = schemaNames.map((one) => one.replace('-', ' '));
    throw new SettingsError(`there is no command "${words.join(' ')}"`, {
      hint: `${didYouMean(nearestName(words.join(' '), spoken))}see: updater --help`,
    });
  }
  context.answer(new Verbatim(schema), JSON.stringify(schema, null, 2).split('\n'));
  return EXIT.done;
}
