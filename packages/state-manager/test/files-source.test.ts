import fs from 'node:fs';
import path from 'node:path';
import { temporaryName } from '@homeserver/system';
import { describeTree, file, hardlink, link } from '@homeserver/test-support';
import { filesSource } from '../src/files/files-source.ts';
import { describeStateSource } from './conformance.ts';
import { scene } from './scene.ts';

describeStateSource('files', filesSource, async () => {
  const here = scene({
    conf: {
      'a.conf': 'one',
      'b.conf': file('two', 0o600),
      'c.conf': link('a.conf'),
      'd.conf': hardlink('conf/a.conf'),
    },
    bin: { tool: file('x', 0o755) },
  });
  return {
    wanted: { paths: [here.at('conf'), here.at('bin/tool'), here.at('later')] },
    impossible: { paths: ['/proc/self'] },
    observe: async () => describeTree(here.live).filter((line) => !/^\.(\/bin)? /.test(line)), // Nobody asked for these two.
    harm: async () => {
      here.write('conf/a.conf', 'changed');
      here.write('conf/new', 'appeared');
      here.write('later', 'appeared');
      fs.rmSync(here.at('conf/c.conf'));
      fs.rmSync(here.at('bin/tool'));
      fs.chmodSync(here.at('conf/b.conf'), 0o644);
    },
    halfRestore: async () => {
      here.write(`bin/${temporaryName()}`, 'x');
      fs.writeFileSync(here.at('bin/tool'), 'x', { mode: 0o755 });
      fs.rmSync(here.at('conf/new'));
    },
    damageBackup: async (directory) => fs.appendFileSync(path.join(directory, 'files', here.at('bin/tool')), '!'),
  };
});
