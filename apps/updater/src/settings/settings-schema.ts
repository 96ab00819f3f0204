import { keyOf, settingDefinitions, settingNames, type SettingName } from './settings.ts';

type Schema = Record<string, unknown>;

/** A JSON Schema (2020-12) of the settings file, for completion and checks in an editor. */
export function settingsSchema(): Schema {
  const properties: Record<string, Schema> = {
    $schema: { type: 'string', description: 'where an editor finds this schema' },
  };
  for (const name of settingNames) {
    const [first = '', inner] = keyOf(name).split('.');
    if (inner === undefined) properties[first] = schemaOf(name);
    else {
      const group = (properties[first] ??= { type: 'object', additionalProperties: false, properties: {} });
      (group['properties'] as Record<string, Schema>)[inner] = schemaOf(name);
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Settings of the updater',
    type: 'object',
    additionalProperties: false,
    properties,
  };
}

function schemaOf(name: SettingName): Schema {
  const { kind, description, default: otherwise } = settingDefinitions[name];
  const about = { description, ...(otherwise === undefined ? {} : { default: otherwise }) };
  if (kind === 'path') return { type: 'string', pattern: '^/', ...about };
  if (kind === 'url') return { type: 'string', format: 'uri', ...about };
  if (kind === 'text') return { type: 'string', minLength: 1, ...about };
  if (kind === 'number' || kind === 'count') {
    const range = kind === 'number' ? { minimum: 0, maximum: 999_999 } : { minimum: 1, maximum: 999 };
    return { type: 'integer', ...range, ...about, ...(otherwise === undefined ? {} : { default: Number(otherwise) }) };
  }
  return { enum: kind, ...about };
}
