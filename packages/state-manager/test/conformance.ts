import fs from 'node:fs';
import path from 'node:path';
import { silentLogger } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { Displaced } from '../src/displaced.ts';
import type { CaptureContext, RestoreContext, SourceReport, StateSource } from '../src/state-source.ts';

/** Something live that a source can capture, and what can happen to it. */
export interface World<Wanted> {
  wanted: Wanted;
  /** All that the source answers for, as text. */
  observe(): Promise<string[]>;
  /** Changes it in every way there is. */
  harm(): Promise<void>;
  /** Leaves it as a restore does that was killed half-way. */
  halfRestore(): Promise<void>;
  /** Damages one thing in a backup that a restore after `harm` needs. */
  damageBackup(directory: string): Promise<void>;
  /** What no source of this kind can capture. */
  impossible: Wanted;
}

const newBackup = (): CaptureContext => ({ directory: temporaryDirectory(), forbidden: [], logger: silentLogger });

const restoring = ({ directory }: CaptureContext): RestoreContext => ({
  directory,
  displaced: new Displaced(directory),
  logger: silentLogger,
});

/** One source alone, as `restoreState` does it for all. */
async function restore<Captured>(
  source: StateSource<never, Captured>,
  record: Captured,
  context: CaptureContext,
): Promise<SourceReport> {
  const prepared = await source.prepare(record, restoring(context));
  await prepared.letGo?.(prepared.touches);
  return prepared.apply();
}

/** The contract of a StateSource, checked on a real one. `start` makes a world of its own for each test. */
export function describeStateSource<Wanted, Captured>(
  name: string,
  source: StateSource<Wanted, Captured>,
  start: () => Promise<World<Wanted>>,
): void {
  const capture = async (wanted: Wanted, context: CaptureContext): Promise<Captured> =>
    JSON.parse(JSON.stringify(await source.capture(wanted, context))) as Captured;

  describe(`${name}: claims`, () => {
    it('need no capture, and stay the same whatever happens to the world', async () => {
      const world = await start();
      const claims = source.claims(world.wanted);
      expect(claims.length).toBeGreaterThan(0);
      await world.harm();
      expect(source.claims(world.wanted)).toEqual(claims);
    });

    it('are refused for what can never be captured', async () => {
      const world = await start();
      expect(() => source.claims(world.impossible)).toThrow(expect.objectContaining({ name: 'StateManagerError' }));
    });
  });

  describe(`${name}: capture`, () => {
    it('changes nothing live, and writes only into its own folder', async () => {
      const world = await start();
      const before = await world.observe();
      const context = newBackup();
      await source.capture(world.wanted, context);
      expect(await world.observe()).toEqual(before);
      expect([[source.kind], [`${source.kind}.json`]]).toContainEqual(fs.readdirSync(context.directory));
    });

    it('returns a record that survives JSON', async () => {
      const world = await start();
      const record = await source.capture(world.wanted, newBackup());
      const text = JSON.stringify(record);
      expect(JSON.stringify(JSON.parse(text))).toBe(text);
    });
  });

  describe(`${name}: verify`, () => {
    it('finds nothing in a good backup, and one line for a damage; it changes nothing', async () => {
      const world = await start();
      const context = newBackup();
      const record = await capture(world.wanted, context);
      const before = await world.observe();
      expect(await source.verify(record, context.directory)).toEqual([]);
      await world.damageBackup(context.directory);
      expect(await source.verify(record, context.directory)).toEqual([expect.stringContaining(context.directory)]);
      expect(await world.observe()).toEqual(before);
    });
  });

  describe(`${name}: restore`, () => {
    it('brings back exactly what was captured, whatever happened since', async () => {
      const world = await start();
      const context = newBackup();
      const record = await capture(world.wanted, context);
      const before = await world.observe();
      await world.harm();
      expect(await world.observe()).not.toEqual(before);
      const report = await restore(source, record, context);
      expect(await world.observe()).toEqual(before);
      expect(report.restored.length).toBeGreaterThan(0);
      expect(report.warnings).toEqual([]);
    });

    it('does nothing where nothing happened, and nothing the second time', async () => {
      const world = await start();
      const context = newBackup();
      const record = await capture(world.wanted, context);
      const before = await world.observe();
      const nothing = { restored: [], adjusted: [], displaced: [], warnings: [] };
      expect(await restore(source, record, context)).toMatchObject(nothing);
      await world.harm();
      await restore(source, record, context);
      expect(await restore(source, record, context)).toMatchObject(nothing);
      expect(await world.observe()).toEqual(before);
    });

    it('completes a restore that was cut', async () => {
      const world = await start();
      const context = newBackup();
      const record = await capture(world.wanted, context);
      const before = await world.observe();
      await world.harm();
      await world.halfRestore();
      await restore(source, record, context);
      expect(await world.observe()).toEqual(before);
    });

    it('refuses a damaged backup, and touches nothing', async () => {
      const world = await start();
      const context = newBackup();
      const record = await capture(world.wanted, context);
      await world.harm();
      const harmed = await world.observe();
      await world.damageBackup(context.directory);
      await expect(restore(source, record, context)).rejects.toThrow(
        expect.objectContaining({ code: 'damaged', message: expect.stringContaining(context.directory) as string }),
      );
      expect(await world.observe()).toEqual(harmed);
      expect(fs.existsSync(path.join(context.directory, 'displaced'))).toBe(false);
    });
  });
}
