import type { WantedState } from '@homeserver/state-manager';
import { z } from 'zod';
import { OrchestratorError } from './errors.ts';
import { installedModule } from './hold.ts';
import type { Server } from './server.ts';

const texts = z.union(
  [z.string().transform((one) => [one]), z.array(z.string())],
  'must be a text, or a list of texts',
);

const schema = z.looseObject({
  backup_paths: texts.optional(),
  service_name: texts.optional(),
  services: texts.optional(),
  databases: z.array(z.record(z.string(), z.unknown()), 'must be a list of objects').optional(),
});

/**
 * The state that an installed module's configuration names as its own: `backup_paths`, `service_name` and `services`,
 * `databases`. Throws OrchestratorError 'usage' for a module that is not here, whose index cannot be read, or names none.
 */
export function stateOfModule(server: Server, name: string): WantedState {
  const { index } = installedModule(server, name);
  if (!index.ok) throw new OrchestratorError('usage', index.problem);
  const parsed = schema.safeParse(index.index.configuration);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = ['configuration', ...(issue?.path ?? [])].join('.');
    throw new OrchestratorError('usage', `index.json of module "${name}": ${field} ${issue?.message ?? 'is wrong'}`);
  }
  const { backup_paths: files = [], service_name = [], services = [], databases = [] } = parsed.data;
  const units = [...new Set([...service_name, ...services])];
  if (files.length + units.length + databases.length > 0) return { files, services: units, databases };
  throw new OrchestratorError('usage', `module "${name}" does not say what its state is`, {
    hint: 'it stands in its index.json as configuration.backup_paths, .services and .databases',
  });
}
