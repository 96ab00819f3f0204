import fs from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const OURS = '@homeserver/';

/** What the loading of modules leaves to tell why one cannot be loaded. */
export interface ModuleLoading {
  /** URL of the file that was loaded last; a syntax error is in it. */
  lastLoaded: string;
  /** By the error: an import that found nothing, and the URL of the file that it stands in. */
  failedImports: WeakMap<Error, { specifier: string; from: string }>;
}

/**
 * Lets modules import `@homeserver/*` from wherever they lie: those names are looked up from `host`, the URL of the module
 * host, not from there. For the rest of this process.
 */
export function watchLoading(host: string): ModuleLoading {
  const loading: ModuleLoading = { lastLoaded: '', failedImports: new WeakMap() };
  registerHooks({
    resolve: (specifier, context, next) => {
      const from = context.parentURL ?? host; // Now: `next` takes what it is given over into `context`.
      try {
        if (!specifier.startsWith(OURS)) return next(specifier, context);
        // In a release, each package is a file beside the host; in a checkout they are in node_modules.
        const beside = new URL(`./${specifier.slice(OURS.length)}.mjs`, host);
        if (fs.existsSync(beside)) return { url: beside.href, shortCircuit: true };
        return next(specifier, { ...context, parentURL: host });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (specifier.startsWith(OURS))
          error.message = `Cannot find package '${specifier}' imported from ${pathOf(from)}`;
        loading.failedImports.set(error, { specifier, from });
        throw error;
      }
    },
    load: (url, context, next) => {
      loading.lastLoaded = url;
      return next(url, context);
    },
  });
  return loading;
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}
