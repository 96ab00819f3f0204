/** What decides the order in which modules run. */
export interface Orderable {
  name: string;
  priority: number;
  dependencies: readonly string[];
}

export interface Order<T> {
  ordered: T[];
  /** Modules that depend on themselves, by way of others or directly: `circle` goes from the name back to it. */
  circular: { module: T; circle: string[] }[];
}

/**
 * Low priority number first, then name; a module comes after those it depends on. Dependencies that are not among the
 * modules, or that lie on a circle, do not count here: whether they succeeded is seen when it is the module's turn.
 */
export function orderModules<T extends Orderable>(modules: readonly T[]): Order<T> {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const circular = modules.flatMap((module) => {
    const circle = circleOf(module.name, byName);
    return circle === undefined ? [] : [{ module, circle }];
  });
  for (const { module } of circular) byName.delete(module.name);

  const waiting = [...byName.values()].sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1));
  const ordered: T[] = [];
  const done = new Set<string>();
  while (waiting.length > 0) {
    const at = waiting.findIndex((module) => module.dependencies.every((name) => done.has(name) || !byName.has(name)));
    for (const next of waiting.splice(at, 1)) {
      ordered.push(next);
      done.add(next.name);
    }
  }
  return { ordered, circular };
}

/** The shortest way from a module along dependencies back to itself, or undefined. */
function circleOf(name: string, byName: ReadonlyMap<string, Orderable>): string[] | undefined {
  const seen = new Set<string>();
  for (let ways = [[name]]; ways.length > 0;) {
    const longer: string[][] = [];
    for (const way of ways) {
      for (const next of byName.get(way.at(-1) ?? '')?.dependencies ?? []) {
        if (next === name) return [...way, name];
        if (!seen.has(next)) longer.push([...way, next]);
        seen.add(next);
      }
    }
    ways = longer;
  }
  return undefined;
}
