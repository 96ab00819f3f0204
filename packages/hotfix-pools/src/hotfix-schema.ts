import { operationJsonSchema } from './operations/operation-document.ts';
import { poolJsonSchema } from './pools/pool-document.ts';

/** The JSON Schema of a hotfix document, pools or operations, as `hotfix.schema.json` has it for editors. */
export function hotfixJsonSchema(): object {
  const [pools, operations] = [poolJsonSchema(), operationJsonSchema()].map(withoutDialect);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Hotfix document of HOMESERVER updates: index.json of a module with pools or operations',
    anyOf: [pools, operations],
  };
}

function withoutDialect(schema: object): object {
  const { $schema: _, ...rest } = schema as { $schema?: string };
  return rest;
}
