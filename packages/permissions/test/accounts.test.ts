import fs from 'node:fs';
import { expect, it } from 'vitest';
import { Accounts } from '../src/accounts.ts';

const accounts = new Accounts();

it('a name is looked up on this machine', async () => {
  const [name = '', , uid] = (fs.readFileSync('/etc/passwd', 'utf8').split('\n')[1] ?? '').split(':');
  expect(await accounts.idOf('user', name, 'owner')).toBe(Number(uid));
  expect(await accounts.idOf('group', 'root', 'group')).toBe(0);
});

it.each([1234, '1234', 0])('a number is an id, with or without a name: %j', async (id) => {
  expect(await accounts.idOf('user', id, 'owner')).toBe(Number(id));
});

it.each(['nobody-of-this-name', '-s', 'a:b', 'two\nlines', '', '*'])('an unknown one is named: %j', async (name) => {
  await expect(accounts.idOf('user', name, 'target 1.owner')).rejects.toThrow(
    expect.objectContaining({
      code: 'unknown-account',
      message: expect.stringContaining(`target 1.owner: there is no user ${JSON.stringify(name)}`) as string,
    }),
  );
});

it.each([4_294_967_295, 1.5, -1])('a number that cannot be an id is refused: %j', async (id) => {
  await expect(accounts.idOf('group', id, 'target 1.group')).rejects.toThrow('target 1.group');
});
