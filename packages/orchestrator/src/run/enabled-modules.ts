import type { ModuleIndex } from '../module-index.ts';
import type { InstalledModule } from '../store/installed-modules.ts';
import { orderModules, type Orderable } from './order-modules.ts';

/** A module that is to be run. */
export interface EnabledModule extends Orderable {
  version: string;
  directory: string;
  index: ModuleIndex;
  /** What `main` gets as its first argument; default none. */
  args?: readonly string[];
}

/** What is to be run, in this order, and what cannot be. */
export interface EnabledModules {
  ordered: EnabledModule[];
  /** They count as enabled: nobody has switched them off. `problem` is one line. */
  unusable: { name: string; version: string; problem: string }[];
}

/** Sorts out the installed modules; the disabled ones are left out. Pure. */
export function enabledModules(installed: Iterable<InstalledModule>): EnabledModules {
  const enabled: EnabledModule[] = [];
  const unusable: EnabledModules['unusable'] = [];
  for (const { name, version, directory, index: reading } of installed) {
    if (!reading.ok) unusable.push({ name, version: version ?? 'unknown', problem: reading.problem });
    else if (reading.index.enabled) {
      const { priority, dependencies, schemaVersion } = reading.index;
      enabled.push({
        name,
        version: version ?? schemaVersion,
        directory,
        index: reading.index,
        priority,
        dependencies,
      });
    }
  }
  const { ordered, circular } = orderModules(enabled);
  for (const { module, circle } of circular) {
    const { name, version } = module;
    unusable.push({ name, version, problem: `its dependencies form a circle: ${circle.join(' → ')}` });
  }
  return { ordered, unusable };
}
