import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Options } from 'tsup';
import type { Architecture } from './architecture.ts';
import { koffiFor } from './koffi-for.ts';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/**
 * koffi is native, so it cannot go into a bundle: `loader` takes the package's place there, and loads the native part, which
 * is copied beside the bundle under `nameFor(architecture)`, for each of `architectures`.
 */
export function koffiBesideBundle(options: {
  loader: string;
  architectures: readonly Architecture[];
  nameFor: (architecture: Architecture) => string;
}): Plugin {
  return {
    name: 'koffi-beside-bundle',
    setup({ onResolve, onEnd, initialOptions }) {
      let isBundled = false;
      onResolve({ filter: /^koffi$/ }, ({ resolveDir }) => {
        requireVersions(versionOfKoffi(resolveDir), options.architectures);
        isBundled = true;
        return { path: options.loader };
      });
      onEnd(() => {
        const { outdir = 'dist' } = initialOptions;
        if (!isBundled) return;
        fs.mkdirSync(outdir, { recursive: true });
        for (const architecture of options.architectures)
          fs.copyFileSync(koffiFor(architecture).file, path.join(outdir, options.nameFor(architecture)));
      });
    },
  };
}

function versionOfKoffi(resolveDir: string): string {
  const koffi = createRequire(path.join(resolveDir, 'index.js')).resolve('koffi');
  const text = fs.readFileSync(path.join(path.dirname(koffi), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The package that is bundled and its native parts are one program. */
function requireVersions(wanted: string, architectures: readonly Architecture[]): void {
  for (const architecture of architectures) {
    const { version } = koffiFor(architecture);
    if (version !== wanted)
      throw new Error(`koffi is ${wanted}, but its native part for ${architecture} is ${version}`);
  }
}
