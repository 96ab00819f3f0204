import { showUrl } from '@homeserver/version-control';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { traceSettings, type GivenFlags } from '../settings/read-settings.ts';
import { keyOf, settingNames } from '../settings/settings.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater config show`: each setting with its value, and where it came from; a password in the URL is left out. */
export async function configShowCommand(context: CommandContext, flags: GivenFlags): Promise<number> {
  const traced = traceSettings(flags);
  const settings = settingNames.map((name) => {
    const { value = null, origin, from = null } = traced[name];
    const shown = name === 'repoUrl' && value !== null ? showUrl(String(value)) : value;
    return { key: keyOf(name), value: shown, origin, from };
  });
  const rows = settings.map(({ key, value, origin, from }) => [
    key,
    String(value ?? '-'),
    value === null ? 'not set' : (from ?? origin),
  ]);
  context.answer({ settings }, formatTable(['setting', 'value', 'from'], rows));
  return EXIT.done;
}
