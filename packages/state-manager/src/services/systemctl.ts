import fs from 'node:fs';
import { childEnvironment, describeEnd, reasonOf, runCommand } from '@homeserver/system';
import { StateManagerError } from '../errors.ts';

/** What systemd says of a unit, by the properties of org.freedesktop.systemd1(5). */
export interface UnitStatus {
  /** Its own name, also when it was asked for by another (an alias). */
  id: string;
  loadState: string;
  unitFileState: string;
  activeState: string;
  subState: string;
  type: string;
  fragmentPath: string;
  /** New with each start; empty for a unit that was never started. */
  invocationId: string;
  canReload: boolean;
  needsDaemonReload: boolean;
  /** Units that are started, stopped and restarted as parts of it. */
  parts: string[];
  /** Units that stop when it stops, because they require it, and those that start it again: sockets, paths, timers. */
  companions: string[];
  triggeredBy: string[];
}

const COMPANIONS = ['RequiredBy', 'BoundBy', 'TriggeredBy'];
const STATES = ['Id', 'LoadState', 'UnitFileState', 'ActiveState', 'SubState', 'Type', 'FragmentPath', 'InvocationID'];
const PROPERTIES = [...STATES, 'CanReload', 'NeedDaemonReload', 'ConsistsOf', ...COMPANIONS];
const QUESTION_TIMEOUT_MS = 30_000;
const JOB_TIMEOUT_MS = 300_000; // systemd gives a unit 90 s to start and 90 s to stop, unless the unit asks for more.

/** Whether this machine was booted with systemd, by sd_booted(3). */
export function isSystemdThere(): boolean {
  return fs.existsSync('/run/systemd/system');
}

/** The status of each unit, in this order. Throws 'io' when systemd does not answer. */
export async function showUnits(units: readonly string[]): Promise<UnitStatus[]> {
  if (units.length === 0) return [];
  const argv = ['show', `--property=${PROPERTIES.join(',')}`, '--', ...units];
  const { failure, output } = await systemctl(argv, QUESTION_TIMEOUT_MS);
  const blocks = output.trim().split(/\n\n+/);
  if (failure === undefined && blocks.length === units.length) return blocks.map(readStatus);
  throw new StateManagerError(
    'io',
    `cannot ask systemd about ${units.join(', ')}: ${failure ?? 'the answer is incomplete'}`,
  );
}

function readStatus(block: string): UnitStatus {
  const values = new Map(block.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
  const value = (name: string): string => values.get(name) ?? '';
  const names = (name: string): string[] => value(name).split(' ').filter(Boolean);
  return {
    id: value('Id'),
    loadState: value('LoadState'),
    unitFileState: value('UnitFileState'),
    activeState: value('ActiveState'),
    subState: value('SubState'),
    type: value('Type'),
    fragmentPath: value('FragmentPath'),
    invocationId: value('InvocationID'),
    canReload: value('CanReload') === 'yes',
    needsDaemonReload: value('NeedDaemonReload') === 'yes',
    parts: names('ConsistsOf'),
    companions: COMPANIONS.flatMap(names),
    triggeredBy: names('TriggeredBy'),
  };
}

/** Has systemd do something and waits until it is done. Returns why it failed, in one line, or undefined. */
export async function orderSystemd(verb: string, units: readonly string[] = []): Promise<string | undefined> {
  if (units.length === 0 && verb !== 'daemon-reload') return undefined;
  const ordered = verb === 'start' ? units.toSorted((a, b) => Number(isStarter(b)) - Number(isStarter(a))) : units;
  return (await systemctl([verb, '--', ...ordered], JOB_TIMEOUT_MS)).failure;
}

/** Such a unit refuses to start once the one that it starts is running. */
function isStarter(unit: string): boolean {
  return /\.(socket|path|timer|automount)$/.test(unit);
}

async function systemctl(argv: readonly string[], timeoutMs: number): Promise<{ output: string; failure?: string }> {
  const environment = childEnvironment();
  const env = { ...environment, PATH: `${environment['PATH']}:/usr/bin:/bin` }; // The emergency program has no PATH.
  try {
    const result = await runCommand(['systemctl', '--no-ask-password', '--no-pager', ...argv], { env, timeoutMs });
    const output = result.stdout.toString();
    if (result.exitCode === 0) return { output };
    const said = result.stderr.toString().trim().split('\n')[0];
    return { output, failure: said ? said : describeEnd(result) };
  } catch (error) {
    return { output: '', failure: reasonOf(error) };
  }
}
