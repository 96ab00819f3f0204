import path from 'node:path';
import { lintHotfixes } from '@homeserver/hotfix-pools';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater hotfix lint <directory>`: an author's mistakes, as `file:line:column: severity: field: message`. */
export async function hotfixLintCommand(context: CommandContext, directory: string): Promise<number> {
  const findings = lintHotfixes(path.resolve(directory));
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const lines = findings.map(({ file, line, column, severity, field, message }) => {
    const where = `${path.relative('', file)}:${line}:${column}`;
    return `${where}: ${severity}: ${field === '' ? '' : `${field}: `}${message}`;
  });
  context.answer(
    { findings },
    [...lines, `${errors} errors, ${findings.length - errors} other findings`],
    errors === 0,
  );
  return errors === 0 ? EXIT.done : EXIT.failed;
}
