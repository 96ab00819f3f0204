import type { ModuleContext } from '@homeserver/orchestrator';
import { reasonOf } from '@homeserver/system';
import { download, type DownloadedList } from './download.ts';
import { readCopy, writeCopy } from './list-copy.ts';
import { parseList } from './parse-list.ts';

type Context = Pick<ModuleContext, 'log' | 'signal' | 'stateDir' | 'dryRun'>;

/** The domains of every source that can be had. Throws when none can. */
export async function fetchLists(sources: readonly string[], context: Context): Promise<string[][]> {
  const lists = await Promise.all(sources.map((source) => fetchList(source, context)));
  const had = lists.filter((list) => list !== undefined);
  if (had.length === 0) throw new Error('none of the lists could be had; the one in use stays as it is');
  return had;
}

/** The domains of one source: as it is now, else from the copy of an earlier run, else undefined. */
async function fetchList(source: string, { log, signal, stateDir, dryRun }: Context): Promise<string[] | undefined> {
  const copy = readCopy(stateDir, source);
  let list: DownloadedList;
  let domains: string[];
  try {
    list = await download(source, copy, signal);
    domains = parseList(list.text);
    // A login page or an error page is no list, and must not take the place of a good copy.
    if (domains.length === 0) throw new Error('there is no domain in it');
  } catch (error) {
    signal.throwIfAborted();
    const instead = copy === undefined ? 'it is left out' : 'its copy of an earlier run is used';
    const [shown] = source.split('?'); // What follows may be a password.
    log.warn(`cannot fetch ${shown}: ${reasonOf(error)}; ${instead}`);
    return copy && parseList(copy.text);
  }
  if (!dryRun) writeCopy(stateDir, source, list);
  return domains;
}
