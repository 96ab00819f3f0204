import { outcomeOf, runLegacy } from '@homeserver/orchestrator';
import { openForChanging, type CommandContext } from '../command-context.ts';
import { exitCodeOfCycle } from '../exit-codes.ts';
import { leaveService } from '../leave-service.ts';
import { tellingOfIt } from '../tell/tell-of-run.ts';
import { summarizeRun } from '../text/summarize-run.ts';
import { toJson } from './run.ts';

/** `updater run --legacy`: what manifest.json says. */
export async function runLegacyCommand(context: CommandContext, flags: { wait?: number }): Promise<number> {
  const { server, logging } = openForChanging(context);
  try {
    await leaveService(logging);
    const options = { waitMs: (flags.wait ?? 0) * 1000, signal: context.signal };
    const report = await tellingOfIt(server, context.settings, () => runLegacy(server, options));
    const outcome = outcomeOf(report);
    context.answer(toJson(report), summarizeRun(report), outcome === 'ok');
    return exitCodeOfCycle(outcome, context.stoppedBy());
  } finally {
    logging.close();
  }
}
