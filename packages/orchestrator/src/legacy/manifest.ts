import { errnoName, readFileText, reasonOf, showPath } from '@homeserver/system';
import { z } from 'zod';
import { OrchestratorError } from '../errors.ts';
import { explain } from '../module-index.ts';
import { isModuleName } from '../module-name.ts';

/** One update of manifest.json. */
export interface LegacyUpdate {
  name: string;
  version: string;
  /** `sha256:<64 hex>` of its module directory; undefined for one that has none of its own. */
  checksum: string | undefined;
  /** Default true; when false, neither it nor its children are run. */
  enabled: boolean;
  /** Names of the updates that are run after it, in this order. */
  children: string[];
  /** Its directory below modules/; default its name. */
  module: string | undefined;
  /** The first argument of `main`. */
  args: string[];
}

/** manifest.json, checked: every child is there, and no update is its own descendant. */
export interface LegacyManifest {
  updates: Map<string, LegacyUpdate>;
  entrypoint: string;
}

type Written = Omit<LegacyUpdate, 'children'> & { children: (string | Written)[] };

const nameSchema = z.string().refine(isModuleName, 'must be lower-case letters, digits, "-" and "_", at most 64');
const updateSchema: z.ZodType<Written> = z.lazy(() =>
  z.looseObject({
    name: nameSchema,
    version: z.string().default('0.0.0'),
    checksum: z
      .union([z.string(), z.null()])
      .optional()
      .transform((text) => text || undefined)
      .refine(
        (text) => text === undefined || /^sha256:[0-9a-f]{64}$/.test(text),
        'must be "sha256:" and 64 hex digits',
      ),
    enabled: z.boolean().default(true),
    children: z.array(z.union([nameSchema, updateSchema], 'must be the name of an update, or an update')).default([]),
    module: nameSchema.optional(),
    args: z.array(z.string()).default([]),
  }),
) as z.ZodType<Written>;
const schema = z.looseObject({ updates: z.array(updateSchema), entrypoint: nameSchema });

/** Throws OrchestratorError 'usage': no manifest, not its format, a child that is not there, a circle. */
export function readManifest(file: string): LegacyManifest {
  const parsed = schema.safeParse(readJson(file), { error: explain });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw wrong(file, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'has an unknown format'}`);
  }
  const { entrypoint } = parsed.data;
  const updates = new Map<string, LegacyUpdate>();
  const add = (one: Written): string => {
    if (updates.has(one.name)) throw wrong(file, `${one.name} is there twice`);
    updates.set(one.name, { ...one, children: [] });
    const children = one.children.map((child) => (typeof child === 'string' ? child : add(child)));
    updates.set(one.name, { ...one, children });
    return one.name;
  };
  for (const one of parsed.data.updates) add(one);
  if (!updates.has(entrypoint)) throw wrong(file, `the entrypoint "${entrypoint}" is not among the updates`);
  for (const { name: parent, children } of updates.values()) {
    const missing = children.find((child) => !updates.has(child));
    if (missing !== undefined)
      throw wrong(file, `${parent} has the child "${missing}", which is not among the updates`);
  }
  refuseCircles(file, updates);
  return { updates, entrypoint };
}

/** As it stands, for who changes a part of it. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileText(file)) as unknown;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') throw wrong(file, 'it does not exist; legacy mode needs it');
    throw wrong(
      file,
      error instanceof SyntaxError ? `is not valid JSON (${showPath(reasonOf(error))})` : reasonOf(error),
    );
  }
}

function refuseCircles(file: string, updates: ReadonlyMap<string, LegacyUpdate>): void {
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    const at = way.indexOf(name);
    if (at >= 0) throw wrong(file, `its children form a circle: ${[...way.slice(at), name].join(' → ')}`);
    if (done.has(name)) return;
    for (const child of updates.get(name)?.children ?? []) visit(child, [...way, name]);
    done.add(name);
  };
  for (const name of updates.keys()) visit(name, []);
}

function wrong(file: string, what: string): OrchestratorError {
  return new OrchestratorError('usage', `cannot use ${file}: ${what}`, {
    hint: 'nothing was run; what it must look like is in the README, under "Legacy manifest"',
  });
}
