import { lookAt, type CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

/** `updater snapshots verify [id]`: re-reads every snapshot, or one. Takes no lock, changes nothing. */
export async function snapshotsVerifyCommand(context: CommandContext, id: string | undefined): Promise<number> {
  const { snapshots, ids } = lookAt(context, ({ state }) => ({
    snapshots: state.snapshots,
    ids: idsOf(state.snapshots.listSnapshots()),
  }));
  const verified: { id: string; damages: string[] }[] = [];
  for (const one of id === undefined ? ids : [id]) {
    context.display.onEvent({ type: 'verify', name: one, state: 'begun' });
    const damages = await snapshots.verifySnapshot(one);
    context.display.onEvent({ type: 'verify', name: one, state: damages.length === 0 ? 'good' : 'damaged' });
    verified.push({ id: one, damages });
  }
  const bad = verified.filter(({ damages }) => damages.length > 0);
  context.answer(
    { snapshots: verified.map((one) => ({ ...one, good: one.damages.length === 0 })) },
    [
      ...verified.flatMap(({ id: one, damages }) => [
        `${one} ${damages.length === 0 ? 'good' : 'DAMAGED'}`,
        ...damages.map((damage) => `  ${damage}`),
      ]),
      ...(verified.length === 0 ? ['There are no snapshots.'] : []),
    ],
    bad.length === 0,
  );
  return bad.length === 0 ? EXIT.done : EXIT.rollbackFailed;
}

function idsOf({ snapshots, damaged }: { snapshots: { id: string }[]; damaged: Record<string, string> }): string[] {
  return [...snapshots.map(({ id }) => id), ...Object.keys(damaged)];
}
