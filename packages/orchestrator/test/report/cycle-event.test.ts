import { describe, expect, it } from 'vitest';
import type { CycleEvent } from '../../src/index.ts';
import { broken, module, quiet, scene, type Scene } from '../support.ts';

/** A server whose events are kept. */
async function watched(): Promise<Scene & { events: CycleEvent[] }> {
  const events: CycleEvent[] = [];
  const here = await scene();
  Object.assign(here.server, { onEvent: (event: CycleEvent) => void events.push(event) });
  return { ...here, events };
}

/** Without what differs from run to run. */
const told = (events: readonly CycleEvent[]): string[] =>
  events.flatMap((event) => {
    if (event.type === 'fetch') return [];
    if (event.type === 'phase') return `${event.phase} ${event.state}`;
    if (event.type === 'module') return `${event.name} ${event.version} ${event.state}`;
    if (event.type === 'replaced') return `${event.name} ${event.from} -> ${event.to}`;
    if (event.type === 'modules') return `${event.total} to run`;
    return event.type === 'synced' ? `synced, ${event.fetched ? 'new' : 'as before'}` : event.type;
  });

describe('the events of a cycle', () => {
  it('tell of each phase and each module as it begins and ends, in their order', async () => {
    const here = await watched();
    await here.publish({
      a: module('1.0.0'),
      b: module('1.0.0', broken),
      c: module('1.0.0', quiet, { dependencies: ['b'] }),
    });
    const { outcomes } = await here.cycle();
    expect(told(here.events)).toEqual([
      'recover begun',
      'recover ended',
      'sync begun',
      'synced, new',
      'sync ended',
      'replace begun',
      'replace ended',
      'a null -> 1.0.0',
      'b null -> 1.0.0',
      'c null -> 1.0.0',
      'run begun',
      '3 to run',
      'a 1.0.0 begun',
      'a 1.0.0 succeeded',
      'b 1.0.0 begun',
      'b 1.0.0 failed',
      'c 1.0.0 skipped',
      'run ended',
    ]);
    const failed = here.events.find((event) => event.type === 'module' && event.state === 'failed');
    const fetched = here.events.findLast((event) => event.type === 'fetch' && event.step === 'receive');
    expect(fetched).toMatchObject({ objectsDone: expect.any(Number), bytesDone: expect.any(Number) });
    const { objectsDone: objects, bytesDone: bytes } = fetched as Extract<CycleEvent, { type: 'fetch' }>;
    expect(objects).toBeGreaterThan(9); // A commit, four trees, and two files a module.
    expect(here.events.find(({ type }) => type === 'synced')).toMatchObject({ received: { objects, bytes } });
    expect(failed).toMatchObject({ error: 'it is broken', rolledBackTo: null, durationMs: outcomes[1]?.durationMs });
  });

  it('tell of the end of a phase that fails', async () => {
    const here = await watched();
    await expect(here.cycle({ repository: { url: 'file:///nowhere', branch: 'main' } })).rejects.toThrow();
    expect(told(here.events).slice(2)).toEqual(['sync begun', 'sync ended']);
  });

  it('are none of a module that is not asked for', async () => {
    const here = await watched();
    await here.publish({ a: module('1.0.0'), b: module('1.0.0') });
    await here.cycle({ modules: ['b'] });
    expect(told(here.events).filter((line) => line.startsWith('a '))).toEqual([]);
  });
});
