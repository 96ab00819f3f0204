import type { TreeNode } from '@homeserver/test-support';

interface ModuleFiles {
  version: string;
  /** The body of `main(args, context)`; default: it succeeds and changes nothing. */
  main?: string | undefined;
  /** More keys of `metadata`. */
  metadata?: Record<string, unknown>;
  configuration?: Record<string, unknown>;
  /** More files of the module. */
  files?: { [name: string]: TreeNode };
}

const QUIET = 'return { success: true, changed: false };';

/** A module as its author writes it; `fs` is Node's. */
export function moduleFiles(
  name: string,
  { version, main = QUIET, metadata, configuration, files }: ModuleFiles,
): { [name: string]: TreeNode } {
  return {
    'index.json': `${JSON.stringify({ metadata: { schema_version: version, name, ...metadata }, configuration })}\n`,
    'index.ts': `import fs from 'node:fs';\nexport async function main(args: string[], context: any) {\n  ${main}\n}\n// ${version}\n`,
    ...files,
  };
}

/** A tree for `repository.commit`: several modules by name. */
export function repositoryWith(modules: Record<string, ModuleFiles>): { [name: string]: TreeNode } {
  return {
    modules: Object.fromEntries(Object.entries(modules).map(([name, module]) => [name, moduleFiles(name, module)])),
  };
}

/** The body of a `main` that writes the module's version into `file`, guarded. */
export function writesVersion(file: string): string {
  return [
    `if (fs.readFileSync(${JSON.stringify(file)}, 'utf8') === context.version) return { success: true, changed: false };`,
    `await context.state.guard(context.name, { files: [${JSON.stringify(file)}] }, async () => {`,
    `  fs.writeFileSync(${JSON.stringify(file)}, context.version);`,
    `});`,
    `return { success: true, changed: true };`,
  ].join('\n  ');
}
