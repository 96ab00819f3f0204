import fs from 'node:fs';
import path from 'node:path';
import { countCalls, describeUnderSupervision, killAtCall } from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { home, install, links, main, markUnproven, module, pointAt, updaterCommand, type Home } from '../support.ts';

vi.setConfig({ testTimeout: 600_000 });

/** A server whose module `web` 2.0.0 is unproven; both versions write their number into etc/web under a guard. */
function unprovenHome(): { here: Home; file: string } {
  const here = home();
  const file = path.join(here.root, 'etc/web');
  fs.mkdirSync(path.dirname(file));
  fs.writeFileSync(file, '1.0.0');
  const body = `
    if (fs.readFileSync('${file}', 'utf8') !== context.version)
      await context.state.guard('web', { files: ['${file}'] }, async () => fs.writeFileSync('${file}', context.version));
    return { success: true };`;
  const previous = install(here, 'web', '1.0.0', module('1.0.0', main(body)));
  const entry = install(here, 'web', '2.0.0', module('2.0.0', main(body)));
  pointAt(here, 'web.backup', previous);
  markUnproven(here, 'web', { entry, previous });
  return { here, file };
}

await describeUnderSupervision('a disk that refuses while a run is made final', () => {
  it('leaves files and version of one kind', async () => {
    const counting = unprovenHome();
    const options = { under: [counting.here.server.paths.backupDir], mode: 'EIO' } as const;
    const { calls } = await countCalls(updaterCommand(counting.here), options);
    const closing = calls.findIndex((call) => /^unlink .*\/journal\//.test(call)) + 1;
    expect(closing).toBeGreaterThan(0);
    for (let n = closing; n <= calls.length; n += 1) {
      const { here, file } = unprovenHome();
      const under = [here.server.paths.backupDir];
      const { firedAt } = await killAtCall(updaterCommand(here), n, { ...options, under });
      const [link] = links(here);
      expect([firedAt, link]).toEqual([firedAt, `web ${fs.readFileSync(file, 'utf8')}`]);
    }
  });
});
