import { describe, expect, it } from 'vitest';
import { endings, Server } from '../server.ts';

const text = (...lines: string[]): string => `${lines.join('\n')}\n`;
const first = text('one', 'two', 'three', 'four', 'five');

/** A pool that shipped `first`, which the owner has edited since. */
async function edited(onLocalEdit: string | undefined, mine: string): Promise<Server> {
  const server = new Server();
  ship(server, '1.0.0', first, onLocalEdit);
  await server.apply();
  server.write('conf', mine);
  return server;
}

function ship(server: Server, version: string, content: string, onLocalEdit: string | undefined): void {
  server.source('conf', content);
  const pool = { id: 'web', operations: [{ target: 'conf', destination: `${server.live}/conf` }], onLocalEdit };
  server.document({ metadata: { schema_version: version }, pools: [pool] });
}

const mine = text('MINE', 'two', 'three', 'four', 'five');
const second = text('one', 'two', 'three', 'four', 'SHIPPED');

describe('an edit of the owner', () => {
  it('is replaced by a new version, which is what closures are for, when nothing else is said', async () => {
    const server = await edited(undefined, mine);
    ship(server, '1.1.0', second, undefined);
    expect(endings(await server.apply())).toEqual(['web: applied']);
    expect(server.read('conf')).toBe(second);
  });

  it('stays with "skip", and the report names it', async () => {
    const server = await edited('skip', mine);
    ship(server, '1.1.0', second, 'skip');
    const report = await server.apply();
    expect(endings(report)).toEqual(['web: edited']);
    expect(report.pools[0]?.reason).toBe(
      `edited by the owner, and left as it is (onLocalEdit is "skip"): ${server.live}/conf`,
    );
    expect(server.read('conf')).toBe(mine);
  });

  it('is merged with "merge", and again with the version after that', async () => {
    const server = await edited('merge', mine);
    ship(server, '1.1.0', second, 'merge');
    const report = await server.apply();
    expect(report.pools[0]).toMatchObject({ state: 'applied', destinations: [{ found: 'edited', merged: true }] });
    expect(server.read('conf')).toBe(text('MINE', 'two', 'three', 'four', 'SHIPPED'));
    expect(endings(await server.apply())).toEqual(['web: up-to-date']);
    server.write('conf', server.read('conf').replace('three', 'THREE'));
    ship(server, '1.2.0', text('one', 'two', 'three', 'four', 'AGAIN'), 'merge');
    await server.apply();
    expect(server.read('conf')).toBe(text('MINE', 'two', 'THREE', 'four', 'AGAIN'));
  });

  it('of the same lines as the new version is a conflict: the pool is skipped, and both sides are shown', async () => {
    const server = await edited('merge', text('one', 'two', 'three', 'four', 'MINE'));
    ship(server, '1.1.0', second, 'merge');
    const report = await server.apply();
    expect(endings(report)).toEqual(['web: conflict']);
    expect(report.pools[0]?.destinations[0]?.diff).toMatch(/<<<<<<< owner\nMINE\n.*>>>>>>> shipped now\n/s);
    expect(server.read('conf')).toBe(text('one', 'two', 'three', 'four', 'MINE'));
  });

  it('cannot be merged when what was shipped before was not kept', async () => {
    const server = await edited('apply', mine);
    ship(server, '1.1.0', second, 'merge');
    const report = await server.apply();
    expect(endings(report)).toEqual(['web: conflict']);
    expect(report.pools[0]?.reason).toMatch(/what was shipped before was not kept$/);
  });

  it('is shown as a diff by a look that changes nothing', async () => {
    const server = await edited('apply', mine);
    ship(server, '1.1.0', second, 'apply');
    const report = await server.apply({ dryRun: true });
    expect(report.pools[0]?.destinations[0]).toMatchObject({
      found: 'edited',
      diff: expect.stringContaining('-MINE\n+one\n') as string,
    });
    expect(server.read('conf')).toBe(mine);
  });
});

it('a policy that does not exist is refused by name', async () => {
  const server = new Server();
  ship(server, '1.0.0', first, 'ask');
  await expect(server.apply()).rejects.toThrow('pools[0].onLocalEdit');
});
