import { expect, it } from 'vitest';
import { homeServer, zones } from './home-server.ts';

it('handles 200,000 domains', async () => {
  const lines = Array.from({ length: 200_000 }, (_, at) => `0.0.0.0 host${at % 50}.ads${at}.example`);
  const home = await homeServer({ '/a': `${lines.join('\n')}\n`, '/b': lines.toReversed().join('\n') });
  expect(await home.run()).toMatchObject({ success: true, changed: true });
  expect(await home.run()).toMatchObject({ success: true, changed: false });
  expect(zones(home.inUse())).toHaveLength(200_000);
});
