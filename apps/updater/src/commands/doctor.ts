import { examineServer, mendServer, type Finding } from '@homeserver/orchestrator';
import { openForChanging, openForReading, repositoryOf, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater doctor [--fix]`: is everything there that updates, and the way back from one, depend on? Exit code 3 if not. */
export async function doctorCommand(context: CommandContext, { fix = false }: { fix?: boolean }): Promise<number> {
  const findings = fix
    ? await examineAndMend(context)
    : await examineServer(openForReading(context), repositoryOf(context));
  const count = (status: Finding['status']): number => findings.filter((finding) => finding.status === status).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const canBeMended = !fix && findings.some((finding) => finding.fix !== undefined);
  const lines = [
    ...findings.flatMap(linesOf),
    errors + warnings === 0 ? 'All is well.' : `${plural(errors, 'error')}, ${plural(warnings, 'warning')}.`,
    ...(canBeMended ? ['What is safe to mend is mended by: updater doctor --fix'] : []),
  ];
  const data = findings.map(({ check, status, message, mend: how = null, fix: isSafe }) => ({
    check,
    status,
    message,
    mend: how,
    fixable: isSafe !== undefined,
  }));
  context.answer({ findings: data }, lines, errors === 0);
  return errors === 0 ? EXIT.done : EXIT.failed;
}

async function examineAndMend(context: CommandContext): Promise<Finding[]> {
  const { server, logging } = openForChanging(context);
  try {
    return await mendServer(server, repositoryOf(context));
  } finally {
    logging.close();
  }
}

function linesOf({ check, status, message, mend }: Finding): string[] {
  const head = `${status.padEnd('warning'.length)}  ${check.padEnd('backups'.length)}  ${message}`;
  return mend === undefined ? [head] : [head, `${' '.repeat('warning  backups  '.length)}→ ${mend}`];
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
