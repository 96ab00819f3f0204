import { showUrl } from '@homeserver/version-control';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { traceSettings, type GivenFlags } from '../settings/read-settings.ts';
import type { SettingValue } from '../settings/settings-file.ts';
import { keyOf, settingDefinitions, settingNames, type SettingName } from '../settings/settings.ts';
import { formatTable } from '../text/format-table.ts';

/** `updater config show`: each setting with its value, and where it came from; what may be a secret in an address is left out. */
export async function configShowCommand(context: CommandContext, flags: GivenFlags): Promise<number> {
  const traced = traceSettings(flags);
  const settings = settingNames.map((name) => {
    const { value = null, origin, from = null } = traced[name];
    return { key: keyOf(name), value: withoutSecrets(name, value), origin, from };
  });
  const rows = settings.map(({ key, value, origin, from }) => [
    key,
    String(value ?? '-'),
    value === null ? 'not set' : (from ?? origin),
  ]);
  context.answer({ settings }, formatTable(['setting', 'value', 'from'], rows));
  return EXIT.done;
}

/** The path of a webhook may be a secret as well. */
function withoutSecrets(name: SettingName, value: SettingValue | null): SettingValue | null {
  if (name === 'repoUrl' && value !== null) return showUrl(String(value));
  if (settingDefinitions[name].kind !== 'url' || value === null) return value;
  const { protocol, host } = new URL(String(value));
  return `${protocol}//${host}/...`;
}
