import { Accounts, parseMode } from '@homeserver/permissions';
import type { RawPath } from '@homeserver/system';
import type { GivenPermissions } from '../copy-files.ts';
import { resolveDestination, type Destination, type DestinationLimits } from '../destination.ts';
import { HotfixError } from '../errors.ts';
import { printable, printableReason } from '../printable-text.ts';
import { findSource } from '../source-file.ts';
import type { AskedPermissions, Operation } from './operation-document.ts';

export interface OperationPlaces {
  readonly file: string;
  /** The module's directory, which holds src/. */
  readonly directory: string;
  readonly limits: DestinationLimits;
}

/** An operation with all that it names looked up on this machine. */
export interface LocatedOperation {
  operation: Operation;
  /** The real path of its source. */
  source: RawPath;
  /** Of copy, append and symlink. */
  destination?: Destination;
  permissions: GivenPermissions;
  /** The real path of the rollback script of an execute operation. */
  rollbackScript?: RawPath;
}

/** Looks sources, targets and accounts up; changes nothing. Throws HotfixError, naming the file and the field. */
export async function locateOperation(
  operation: Operation,
  places: OperationPlaces,
  accounts: Accounts,
): Promise<LocatedOperation> {
  const { field } = operation;
  const source = inField(places, `${field}.source`, () => findSource(places.directory, operation.source));
  const script = operation.type === 'execute' ? operation.rollbackScript : undefined;
  const asked = 'permissions' in operation ? operation.permissions : {};
  return {
    operation,
    source,
    permissions: await permissionsOf(asked, accounts, `${field}.permissions`, places),
    ...(operation.type === 'execute'
      ? {}
      : {
          destination: inField(places, `${field}.target`, () =>
            resolveDestination(operation.target, places.limits, { mayBeLink: operation.type === 'symlink' }),
          ),
        }),
    ...(script === undefined
      ? {}
      : { rollbackScript: inField(places, `${field}.rollback_script`, () => findSource(places.directory, script)) }),
  };
}

async function permissionsOf(
  { user, group, mode }: AskedPermissions,
  accounts: Accounts,
  field: string,
  places: OperationPlaces,
): Promise<GivenPermissions> {
  try {
    const bits = mode === undefined ? undefined : parseMode(mode, `${field}.mode`);
    if (bits !== undefined && bits > 0o777)
      throw new Error(`${field}.mode: setuid, setgid and sticky are not given to files`);
    return {
      ...(user === undefined ? {} : { uid: await accounts.idOf('user', user, `${field}.user`) }),
      ...(group === undefined ? {} : { gid: await accounts.idOf('group', group, `${field}.group`) }),
      ...(bits === undefined ? {} : { mode: bits }),
    };
  } catch (error) {
    const why = printableReason(error);
    throw new HotfixError('invalid-document', printable(`cannot use ${places.file}: ${why}`), { cause: error });
  }
}

function inField<T>({ file }: OperationPlaces, field: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = error instanceof HotfixError ? error.code : 'io';
    throw new HotfixError(code, `cannot use ${printable(file)}: ${field}: ${printableReason(error)}`, { cause: error });
  }
}
