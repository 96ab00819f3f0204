import fs from 'node:fs';
import { silentLogger, type Logger } from '@homeserver/system';
import { breakOperations, breakPools, type BrokenHotfixes } from './break-hotfixes.ts';
import { killRuns } from './kill-runs.ts';
import { differences, observeTree, type ObservedTree } from './observe-tree.ts';
import { failureOf, runInstalled } from './run-installed.ts';
import { scratchServer, type ScratchServer } from './scratch-server.ts';

/** One thing that a module must do, and how it did. */
export interface ModuleCheck {
  /** What must hold, as a sentence. */
  check: string;
  ok: boolean;
  /** Why not, one line each. */
  problems: string[];
}

export interface ModuleTestReport {
  module: string;
  version: string;
  ok: boolean;
  checks: ModuleCheck[];
  /** What the author should know, one line each. */
  notes: string[];
}

export interface ModuleTestOptions {
  /** What starts the updater: the program and its first arguments. */
  updater: readonly [string, ...string[]];
  /** Laid over the configuration of the module. */
  settings?: Record<string, unknown>;
  /** How often it is killed; default 20. */
  kills?: number;
  logger?: Logger;
  /** Told each check as soon as it is done. */
  onCheck?: (check: ModuleCheck) => void;
}

const SHOWN = 5;

/**
 * Tries a module on a server folder of its own: that it runs, that a second run changes nothing, that a failure or a kill at
 * any instant leaves all of the old state or all of the new one, and that the pools of a hotfix module are put back when
 * their closure fails. What its code names by itself (a path or a service that is not in index.json) is the machine's own:
 * try what is not trusted in a container. Throws OrchestratorError 'usage' for what is no module.
 */
export async function testModule(directory: string, options: ModuleTestOptions): Promise<ModuleTestReport> {
  const { logger = silentLogger, kills = 20, settings = {} } = options;
  const scratch = await scratchServer(directory, settings, logger);
  const report: ModuleTestReport = { module: scratch.name, version: scratch.version, ok: true, checks: [], notes: [] };
  const note = (check: string, problems: readonly string[]): boolean => {
    const shown =
      problems.length > SHOWN ? [...problems.slice(0, SHOWN), `and ${problems.length - SHOWN} more`] : problems;
    const done = { check, ok: problems.length === 0, problems: [...shown] };
    report.checks.push(done);
    report.ok &&= done.ok;
    options.onCheck?.(done);
    return done.ok;
  };
  try {
    await tryModule(scratch, { ...options, kills }, note, report.notes);
    return report;
  } finally {
    scratch.remove();
  }
}

async function tryModule(
  scratch: ScratchServer,
  { updater, kills }: ModuleTestOptions & { kills: number },
  note: (check: string, problems: readonly string[]) => boolean,
  notes: string[],
): Promise<void> {
  const before = observeTree(scratch.root);
  const ownFiles = observeTree(fs.realpathSync(`${scratch.server.paths.modules}/${scratch.name}`));
  const first = await runInstalled(scratch);
  const after = observeTree(scratch.root);
  const changes = differences(before, after);
  if (!note('it runs', failureOf(first))) return;
  if (changes.length === 0)
    notes.push('its first run changed nothing here: give it something to do (test/scratch/, --set)');
  note('it says whether it changed anything', changes.length > 0 && !first.changed ? changes : []);

  const stateBefore = observeTree(scratch.moduleState);
  const second = await runInstalled(scratch);
  note('a second run changes nothing, and says so', [
    ...failureOf(second),
    ...(second.changed ? ['it said changed: true'] : []),
    ...differences(after, observeTree(scratch.root), { times: true }),
    ...differences(stateBefore, observeTree(scratch.moduleState), { times: true }).map(
      (line) => `its state directory: ${line}`,
    ),
  ]);
  const inUse = observeTree(fs.realpathSync(`${scratch.server.paths.modules}/${scratch.name}`));
  note('it leaves its own directory as it is', differences(ownFiles, inUse));

  scratch.reset();
  fs.writeFileSync(scratch.control.fail, '');
  const failed = await runInstalled(scratch);
  note('when it fails at its end, everything is as before', [
    ...failed.rollbackFailed,
    ...differences(before, observeTree(scratch.root)).map((line) => `${line} outside a guard`),
  ]);

  const killed = await killRuns(scratch, updater, { kills, before, after });
  note(
    `killed at ${killed.instants} instants, it is all old or all new, and the next run completes it`,
    killed.problems,
  );
  await tryClosures(scratch, before, note);
}

/** A hotfix module: every pool gets a closure, or the operations a check, that fails after all the others have passed. */
async function tryClosures(
  scratch: ScratchServer,
  before: ObservedTree,
  note: (check: string, problems: readonly string[]) => boolean,
): Promise<void> {
  let broken: BrokenHotfixes | undefined;
  await scratch.installWith((index) => {
    broken = breakPools(index, scratch.control.fail) ?? breakOperations(index);
    return broken?.index ?? index;
  });
  if (broken === undefined) return;
  const { parts, what } = broken;
  const { reverted, rollbackFailed } = await runInstalled(scratch);
  note(`when ${what} fails, everything is as before`, [
    ...(reverted.length < parts ? [`only ${reverted.length} of ${parts} were put back`] : []),
    ...rollbackFailed,
    ...differences(before, observeTree(scratch.root)),
  ]);
}
