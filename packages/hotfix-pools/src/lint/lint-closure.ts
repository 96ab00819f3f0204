import type { FieldFinding } from './lint-hotfixes.ts';

const CD = /^\s*cd(\s+(?<where>[^;&|]+?))?\s*$/;

/** What an author should know of a closure: one that proves nothing, and what a lone `cd` in it does. */
export function lintClosure(lines: readonly string[], field: string): FieldFinding[] {
  const commands = lines.map((line) => CD.exec(line));
  if (lines.every((line, at) => commands[at] !== null || /^\s*(#.*|true|:)?\s*$/.test(line))) {
    return [
      { severity: 'warning', field, message: 'proves nothing: no command of it can fail when the fix does not work' },
    ];
  }
  return commands.flatMap((cd, at): FieldFinding[] => {
    if (cd === null) return [];
    const where = cd.groups?.['where'];
    if (where === undefined)
      return [
        {
          severity: 'warning',
          field: `${field}[${at}]`,
          message: 'cd alone goes to the home directory of root: say where to',
        },
      ];
    if (!where.startsWith('/') && !/^["'$]/.test(where))
      return [
        {
          severity: 'warning',
          field: `${field}[${at}]`,
          message: `cd ${where} starts from /, or from the cd before: write an absolute path`,
        },
      ];
    return at === 0 ? [{ severity: 'note', field: `${field}[0]`, message: `the lines below run in ${where}` }] : [];
  });
}
