import { describe, expect, it } from 'vitest';
import { coded, expectNothingOpen, journalOf } from './expectations.ts';
import { scene } from './scene.ts';

class ChangeError extends Error {}

describe('a guard inside a guard', () => {
  it('is undone with the outer one, newest first: the state before the first comes back', async () => {
    const here = scene({ f: 'zero', g: 'zero' });
    const state = here.stateManager();
    const guarding = state.guard('outer', { files: [here.at('f')] }, async () => {
      here.write('f', 'one');
      await state.guard('inner', { files: [here.at('f'), here.at('g')] }, async () => {
        here.write('f', 'two');
        here.write('g', 'two');
      });
      expect(here.read('f')).toBe('two');
      throw new ChangeError('no');
    });
    await expect(guarding).rejects.toThrow(ChangeError);
    expect([here.read('f'), here.read('g')]).toEqual(['zero', 'zero']);
    expectNothingOpen(here);
  });

  it('that fails is undone alone; the outer one may go on', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager();
    await state.guard('outer', { files: [here.at('f')] }, async () => {
      here.write('f', 'one');
      const inner = await state.attempt('inner', { files: [here.at('f')] }, async () => {
        here.write('f', 'two');
        throw new ChangeError('no');
      });
      expect([inner.status, here.read('f')]).toEqual(['reverted', 'one']);
    });
    expect(here.read('f')).toBe('one');
    expectNothingOpen(here);
  });

  it('of another instance belongs to it as well', async () => {
    const here = scene({ f: 'zero' });
    const [module, pool] = [
      here.stateManager({ lock: 'inherited', run: 'r' }),
      here.stateManager({ lock: 'inherited', run: 'r' }),
    ];
    const guarding = module.guard('module', { files: [here.live] }, async () => {
      await pool.guard('pool', { files: [here.at('f')] }, async () => here.write('f', 'one'));
      throw new ChangeError('no');
    });
    await expect(guarding).rejects.toThrow(ChangeError);
    expect(here.read('f')).toBe('zero');
    expectNothingOpen(here);
  });

  it.each([
    ['fails', 'zero'],
    ['succeeds', 'made'],
  ])('that nobody waited for and that %s after the outer one committed leaves nothing open', async (how, expected) => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager();
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let inner: Promise<unknown> = Promise.resolve();
    await state.guard('outer', {}, async () => {
      inner = state.attempt('inner', { files: [here.at('f')] }, async () => {
        here.write('f', 'made');
        begun.resolve();
        await end.promise;
        if (how === 'fails') throw new ChangeError('late');
      });
      await begun.promise;
    });
    expect(journalOf(here)).toHaveLength(1);
    end.resolve();
    await inner;
    expect(here.read('f')).toBe(expected);
    expectNothingOpen(here);
  });

  it('cannot use the same slot', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager();
    await state.guard('app', { files: [here.at('f')] }, async () => {
      await expect(state.guard('app', { files: [here.at('f')] }, async () => {})).rejects.toThrow(
        coded('overlap', /^app is already being changed under the same name$/),
      );
    });
    expectNothingOpen(here);
  });

  it('may restore the slot, or back it up: the outer one still goes back to its own beginning', async () => {
    const here = scene({ f: 'zero' });
    const state = here.stateManager();
    const guarding = state.guard('app', { files: [here.at('f')] }, async () => {
      here.write('f', 'one');
      await state.backupModuleState('app', { files: [here.at('f')] });
      here.write('f', 'two');
      await state.restoreModuleState('app');
      expect(here.read('f')).toBe('one');
      throw new ChangeError('no');
    });
    await expect(guarding).rejects.toThrow(ChangeError);
    expect(here.read('f')).toBe('zero');
    expectNothingOpen(here);
    await state.restoreModuleState('app');
    expect(here.read('f')).toBe('zero');
  });
});
