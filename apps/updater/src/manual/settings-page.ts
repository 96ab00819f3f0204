import { ORCHESTRATOR_VERSION } from '@homeserver/orchestrator';
import { keyOf, settingDefinitions, settingNames, variableName } from '../settings/settings.ts';
import { DEFAULT_CONFIG } from '../settings/read-settings.ts';
import { roff } from './roff.ts';

/** homeserver-updates.json(5): every key of the settings file. */
export function settingsPage(): string {
  const keys = settingNames.map((name) => {
    const { flag, description, default: otherwise } = settingDefinitions[name];
    const places = [variableName(name), ...(flag === undefined ? [] : [flag])].join(', ');
    const last = otherwise === undefined ? '' : ` Default: ${otherwise}.`;
    const about = `${description.charAt(0).toUpperCase()}${description.slice(1)}.${last} Also: ${places}.`;
    return roff.entry(roff.bold(keyOf(name)), about);
  });
  return [
    `.TH HOMESERVER\\-UPDATES.JSON 5 "" "homeserver-updates ${ORCHESTRATOR_VERSION}" "File formats"`,
    roff.section('Name'),
    `homeserver\\-updates.json \\- ${roff.text('settings of the updater')}`,
    roff.section('Description'),
    roff.text(
      `${DEFAULT_CONFIG} is a JSON object. A flag counts before an environment variable, a variable before this file, the file before the default. A key such as trust.require stands for an object in the object. An unknown key is an error.`,
    ),
    roff.paragraph(
      'Paths are absolute, and the directories are different ones: modulesPath must not lie in another, nothing in localRepo, and nothing in modules, store, state or orchestrator of modulesPath. "updater config check" names every mistake, "updater config show" says where each value is from, and "updater config schema" prints a JSON Schema for editors.',
    ),
    roff.section('Keys'),
    ...keys,
    roff.section('Example'),
    roff.text('The repository, and a warning when it has not moved for a month:'),
    roff.example('{\n  "repoUrl": "https://example.org/updates.git",\n  "trust": { "maxAgeDays": 30 }\n}'),
    roff.section('See also'),
    `${roff.bold('updater')}(8)`,
    '',
  ].join('\n');
}
