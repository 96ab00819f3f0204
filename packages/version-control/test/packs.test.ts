import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { syncMirror, type Mirror } from '../src/index.ts';
import { mirrorFiles, scene } from './support.ts';

const packsOf = (mirror: Mirror): string[] => mirrorFiles(mirror, 'objects').filter((file) => file.endsWith('.pack'));

it('a mirror does not collect packs for ever, and keeps what no ref names any more', async () => {
  const { remote, mirror, said } = await scene();
  const sync = (): Promise<{ commit: string }> => syncMirror(mirror, { url: remote.url, branch: 'main' });
  const { commit: first } = await sync();
  const rewound = await remote.commit({ rewound: 'x' });
  await sync();
  await remote.git('reset', '-q', '--hard', first);
  const [pack = ''] = packsOf(mirror).map((file) => path.join(mirror.directory, file));
  for (let number = 3; number <= 49; number++) {
    for (const ending of ['.pack', '.idx'])
      fs.copyFileSync(pack.replace('.pack', ending), pack.replace('.pack', `-${number}${ending}`));
  }
  await remote.commit({ number: '50' });
  await sync();
  expect(packsOf(mirror)).toHaveLength(50);
  await remote.commit({ number: '51' });
  await sync();
  expect(packsOf(mirror)).toHaveLength(1);
  await remote.git('reset', '-q', '--hard', rewound);
  expect(await sync()).toMatchObject({ commit: rewound, fetched: false });
  expect(said).toEqual([]);
}, 30_000);
