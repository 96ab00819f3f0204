import { isBuiltin } from 'node:module';
import path from 'node:path';
import type { Options } from 'tsup';
import { koffiBesideBundle, thisArchitecture, zodInEnglish } from '@homeserver/program-build';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const koffi = koffiBesideBundle({
  loader: path.join(import.meta.dirname, 'src/load-koffi.ts'),
  architectures: [thisArchitecture()],
  nameFor: () => 'koffi.node',
});

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
  esbuildPlugins: [builtinsOnce, koffi, zodInEnglish],
  esbuildOptions(options) {
    options.define = { ...options.define, 'import.meta.dirname': '__dirname' };
  },
};
export default config;
