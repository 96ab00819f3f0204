import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ioError, makeDirectoryDurably, writeJsonDurably } from '@homeserver/system';
import { OrchestratorError } from './errors.ts';
import { isModuleName } from './module-name.ts';
import type { ModuleContext } from './module-contract.ts';

/** Below the module's state directory: one file for each thing that was done. */
const FLAGS = '.once';
const flagId = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * `context.once` for one run of a module. The change and its flag are one guarded change inside the run: they become final
 * together when the run succeeds, and are undone together when it fails, is killed, or the machine dies.
 */
export function createOnce(
  context: Pick<ModuleContext, 'name' | 'version' | 'stateDir' | 'state' | 'log' | 'dryRun'>,
): ModuleContext['once'] {
  const { name, version, stateDir, state, log, dryRun } = context;
  const directory = path.join(stateDir, FLAGS);
  const inside = new AsyncLocalStorage<string>();
  let turn: Promise<unknown> = Promise.resolve();

  const perform = async (id: string, act: () => unknown): Promise<boolean> => {
    const flag = path.join(directory, `${id}.json`);
    if (isThere(flag)) return false;
    if (dryRun) {
      log.info(`would do "${id}" once`);
      return false;
    }
    makeDirectoryDurably(directory, { mode: 0o700 });
    const description = `before "${id}", which is done once`;
    await state.guard(slotFor(name), { description, files: [flag] }, async () => {
      await inside.run(id, async () => act());
      writeJsonDurably(flag, { format: 1, id, version, at: Math.floor(Date.now() / 1000) });
    });
    return true;
  };

  return async (id, act) => {
    const outer = inside.getStore();
    if (typeof id !== 'string' || !flagId.test(id)) throw wrongId(id);
    if (outer !== undefined)
      throw new OrchestratorError('usage', `once("${id}") inside once("${outer}"): do one after the other`);
    const mine = turn.then(() => perform(id, act)); // One at a time: they share a backup slot.
    turn = mine.catch(() => {});
    return mine;
  };
}

/** Anything but "it is not there" must not look like it: a change that is done once would be done twice. */
function isThere(flag: string): boolean {
  try {
    return fs.lstatSync(flag, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw ioError('look at', flag, error);
  }
}

/** The slot that flags are guarded in; the longest module names leave no room for the ending. */
function slotFor(name: string): string {
  const slot = `${name}_once`;
  return isModuleName(slot) ? slot : `${createHash('sha256').update(name).digest('hex').slice(0, 16)}_once`;
}

function wrongId(id: unknown): OrchestratorError {
  return new OrchestratorError('usage', `once(${JSON.stringify(id)}): this cannot be the id of a change`, {
    hint: 'lower-case letters, digits, ".", "-" and "_", at most 64, starting with a letter or digit',
  });
}
