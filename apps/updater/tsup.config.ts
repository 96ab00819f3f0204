import path from 'node:path';
import type { Options } from 'tsup';
import { ARCHITECTURES, koffiBesideBundle, zodInEnglish } from '@homeserver/program-build';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const packages = path.join(import.meta.dirname, '../../packages');
const built = (name: string, file = 'index'): string => path.join(packages, name, 'dist', `${file}.js`);
/** What modules may import as `@homeserver/<name>`. */
const forModules = [
  'hotfix-pools',
  'logging',
  'orchestrator',
  'permissions',
  'state-manager',
  'system',
  'version-control',
];

/** Everything but Node itself goes in, so that the directory can be put anywhere and started there. */
const shared: Options = {
  format: ['esm'],
  target: 'node24',
  platform: 'node',
  outExtension: () => ({ js: '.mjs' }),
  noExternal: [/.*/],
  minify: true, // Half of its start is reading these files.
  metafile: false,
  removeNodeProtocol: false, // node:sqlite has no other name.
  // Some libraries are CommonJS, and require Node's own modules.
  banner: {
    js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`,
  },
};

const koffi = koffiBesideBundle({
  loader: path.join(import.meta.dirname, 'src/load-koffi.ts'),
  architectures: ARCHITECTURES,
  nameFor: (architecture) => `koffi-${architecture}.node`,
});

/** What the launcher loads when no release is to be started in its place: the one that it was installed with. */
const releaseBesideLauncher: Plugin = {
  name: 'release-beside-launcher',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/release\.ts$/ }, () => ({ path: './index.mjs', external: true }));
  },
};

/** Leaves out imports of which nothing is used: the launcher needs a few functions of large packages. */
const onlyWhatIsUsed: Plugin = {
  name: 'only-what-is-used',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^.]/ }, async ({ path: name, pluginData, ...options }) => {
      if (pluginData === 'asked' || options.kind !== 'import-statement') return undefined;
      const resolved = await resolve(name, { ...options, pluginData: 'asked' });
      return { ...resolved, sideEffects: false };
    });
  },
};

/**
 * The release: index.mjs, the other processes that it starts, and a file for each package that modules import. `version`:
 * another one than version.ts says.
 */
export function releaseOptions({ outDir, version }: { outDir: string; version?: string }): Options {
  const processes = ['module-host', 'release-starter', 'release-checker'];
  return {
    ...shared,
    outDir,
    entry: {
      index: path.join(import.meta.dirname, 'src/release.ts'),
      ...Object.fromEntries(processes.map((file) => [file, built('orchestrator', file)])),
      ...Object.fromEntries(forModules.map((name) => [name, built(name)])),
    },
    splitting: true,
    define: version === undefined ? {} : { HOMESERVER_UPDATES_VERSION: JSON.stringify(version) },
    esbuildPlugins: [koffi, zodInEnglish],
  };
}

/** The front of the installed program, which comes before every command. */
const launcher: Options = {
  ...shared,
  entry: { launch: 'src/launch.ts' },
  splitting: false,
  esbuildPlugins: [releaseBesideLauncher, onlyWhatIsUsed, koffi],
};

const config: Options[] = [releaseOptions({ outDir: 'dist' }), launcher];
export default config;
