import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/**
 * koffi is native, so it cannot go into a bundle: `loader` takes the package's place there, and loads the native part, which
 * is copied beside the bundle under `nameFor(architecture)`, for each of `architectures` that is installed.
 */
export function koffiBesideBundle(options: {
  loader: string;
  architectures: readonly string[];
  nameFor: (architecture: string) => string;
}): Plugin {
  return {
    name: 'koffi-beside-bundle',
    setup({ onResolve, onEnd, initialOptions }) {
      let koffi: string | undefined;
      onResolve({ filter: /^koffi$/ }, ({ resolveDir }) => {
        koffi = createRequire(path.join(resolveDir, 'index.js')).resolve('koffi');
        return { path: options.loader };
      });
      onEnd(() => {
        const { outdir = 'dist' } = initialOptions;
        if (koffi === undefined) return;
        fs.mkdirSync(outdir, { recursive: true });
        for (const architecture of options.architectures) {
          const native = nativePartOf(koffi, architecture);
          if (native !== undefined) fs.copyFileSync(native, path.join(outdir, options.nameFor(architecture)));
        }
      });
    },
  };
}

function nativePartOf(koffi: string, architecture: string): string | undefined {
  try {
    const prebuilt = createRequire(koffi).resolve(`@koromix/koffi-linux-${architecture}`);
    return path.join(path.dirname(prebuilt), `linux_${architecture}`, 'koffi.node');
  } catch {
    return undefined; // Not installed: only the one for this machine always is.
  }
}
