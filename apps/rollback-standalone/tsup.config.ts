import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const loadKoffi = `
import { createRequire } from 'node:module';
let koffi;
try {
  koffi = createRequire(import.meta.url)('./koffi.node');
} catch (error) {
  process.stderr.write('rollback-standalone: cannot load koffi.node: ' + String(error.message).split('\\n')[0] + '\\n  keep it in the same directory as main.js\\n');
  process.exit(1);
}
export default koffi;
`;

/**
 * koffi is native, so it cannot go into main.js: it is copied beside it, and only there is it looked for. koffi's own loader
 * would search node_modules in every directory above, which root must not do from wherever the program was copied to.
 */
const koffiBesideBundle: Plugin = {
  name: 'koffi-beside-bundle',
  setup({ onResolve, onLoad, onEnd, initialOptions }) {
    let native: string | undefined;
    onResolve({ filter: /^koffi$/ }, ({ resolveDir }) => {
      const koffi = createRequire(path.join(resolveDir, 'index.js')).resolve('koffi');
      const prebuilt = createRequire(koffi).resolve(`@koromix/koffi-linux-${process.arch}`);
      native = path.join(path.dirname(prebuilt), `linux_${process.arch}`, 'koffi.node');
      return { path: 'koffi', namespace: 'beside-bundle' };
    });
    onLoad({ filter: /^koffi$/, namespace: 'beside-bundle' }, () => ({ contents: loadKoffi }));
    onEnd(() => {
      const { outdir = 'dist' } = initialOptions;
      if (native === undefined) return;
      fs.mkdirSync(outdir, { recursive: true });
      fs.copyFileSync(native, path.join(outdir, 'koffi.node'));
      fs.writeFileSync(path.join(outdir, 'package.json'), '{ "type": "module" }\n'); // Keeps that of a directory above away.
    });
  },
};

/** One file without other packages, so that it runs from wherever it was copied to. */
const config: Options = {
  entry: ['src/main.ts'],
  format: ['esm'],
  target: 'node24',
  platform: 'node',
  clean: true,
  noExternal: [/.*/],
  splitting: false,
  esbuildPlugins: [koffiBesideBundle],
};
export default config;
