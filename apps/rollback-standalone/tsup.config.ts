import fs from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import path from 'node:path';
import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/** koffi is native, so it cannot go into main.cjs: it is copied beside it, and src/load-koffi.ts takes the package's place. */
const koffiBesideBundle: Plugin = {
  name: 'koffi-beside-bundle',
  setup({ onResolve, onEnd, initialOptions }) {
    let native: string | undefined;
    onResolve({ filter: /^koffi$/ }, ({ resolveDir }) => {
      const koffi = createRequire(path.join(resolveDir, 'index.js')).resolve('koffi');
      const prebuilt = createRequire(koffi).resolve(`@koromix/koffi-linux-${process.arch}`);
      native = path.join(path.dirname(prebuilt), `linux_${process.arch}`, 'koffi.node');
      return { path: path.join(import.meta.dirname, 'src/load-koffi.ts') };
    });
    onEnd(() => {
      const { outdir = 'dist' } = initialOptions;
      if (native === undefined) return;
      fs.mkdirSync(outdir, { recursive: true });
      fs.copyFileSync(native, path.join(outdir, 'koffi.node'));
    });
  },
};

/**
 * Each of Node's own modules is required once. As CommonJS, every `import` of one would make a copy of it with all that it
 * exports: a hundred of those take as long as everything else at the start of this program.
 */
const builtinsOnce: Plugin = {
  name: 'builtins-once',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?[a-z_]+(\/[a-z]+)?$/ }, ({ path: name, kind }) => {
      if (!isBuiltin(name) || kind === 'require-call') return undefined;
      return { path: name.replace(/^node:/, ''), namespace: 'builtin', sideEffects: false };
    });
    onLoad({ filter: /.*/, namespace: 'builtin' }, async ({ path: name }) => {
      const names = Object.keys((await import(`node:${name}`)) as object).filter((one) =>
        /^(?!default$)\w+$/.test(one),
      );
      const named = names.map((one) => `export const ${one} = /* @__PURE__ */ (() => all.${one})();`);
      return { contents: [`const all = require('node:${name}');`, 'export default all;', ...named].join('\n') };
    });
  },
};

/** One file without other packages, so that it runs from wherever it was copied to; CommonJS, because a single executable wants that. */
const config: Options = {
  entry: ['src/main.ts'],
  format: ['cjs'],
  target: 'node24',
  platform: 'node',
  clean: true,
  noExternal: [/.*/],
  splitting: false,
  minify: true, // Half of its start is reading this file.
  metafile: true,
  removeNodeProtocol: false, // node:sea has no other name.
  esbuildPlugins: [builtinsOnce, koffiBesideBundle],
  esbuildOptions(options) {
    options.define = { ...options.define, 'import.meta.dirname': '__dirname' };
  },
};
export default config;
