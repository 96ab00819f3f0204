import path from 'node:path';
import { errnoName, openDirectory, reasonOf, toRawPath } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';
import { emptyReport } from '../source-report.ts';
import type { PreparedRestore, RestoreContext, SourceReport } from '../state-source.ts';
import { notePending, notesIn } from './pending-renewal.ts';
import type { RecordedUnit } from './service-record.ts';
import { findLinks, LASTING_PLACE, putLinks, sameLinks, type UnitLink } from './unit-links.ts';

/**
 * For units of a machine that is off, whose disk is mounted at the target root, or that has not started them yet: what
 * enables, masks or links them for good is made as recorded. Whether they run is for that machine to see to; what is not as
 * systemd will make it by itself at its next start is in the warnings, unless the late phase will see to it. Throws
 * 'cannot-restore' when a link leads out of the target root.
 */
export function prepareUnitLinks(record: readonly RecordedUnit[], context: RestoreContext): PreparedRestore {
  const root = Buffer.from(context.targetRoot ?? '', 'latin1').toString();
  const units = record.filter(({ why }) => why !== 'companion');
  const directories = units.flatMap((unit) => lasting(unit.links).map((link) => path.dirname(link.path)));
  for (const directory of new Set([LASTING_PLACE, ...directories])) refuseLinkAbove(`${root}${directory}`);
  return { touches: [], apply: () => putAllLinks(units, context, root) };
}

function lasting(links: readonly UnitLink[]): UnitLink[] {
  return links.filter((link) => link.path.startsWith(`${LASTING_PLACE}/`));
}

function refuseLinkAbove(directory: string): void {
  try {
    openDirectory(toRawPath(directory)).close();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw new StateManagerError('cannot-restore', `cannot restore units: ${reasonOf(error)}`, {
      cause: error,
      hint: 'nothing live was touched',
    });
  }
}

async function putAllLinks(
  units: readonly RecordedUnit[],
  context: RestoreContext,
  root: string,
): Promise<SourceReport> {
  const report = emptyReport();
  for (const { unit, links, unit_file_state: state, active_state: active } of units) {
    const wanted = lasting(links);
    if (sameLinks(lasting(findLinks(unit, root)), wanted)) report.unchanged += 1;
    else {
      if (context.phase === 'early') notePending(notesIn(context), { daemon_reload: true });
      report.displaced.push(...(await putLinks(unit, wanted, context, root)));
      report.restored.push(`${unit}: ${state || 'absent'}`);
    }
    if (context.phase !== 'early' && (active === 'active') !== /^(enabled|alias)/.test(state))
      report.warnings.push(`${unit} was ${active} and ${state || 'absent'}: the machine itself has to see to that`);
  }
  return report;
}
