import { createRequire } from 'node:module';
import path from 'node:path';
import type { Architecture } from './architecture.ts';

const require = createRequire(import.meta.url);

/** koffi's native part for a kind of machine. Those for all kinds are installed here, of one version. */
export function koffiFor(architecture: Architecture): { file: string; version: string } {
  const directory = path.dirname(require.resolve(`@koromix/koffi-linux-${architecture}`));
  const { version } = require(`@koromix/koffi-linux-${architecture}/package.json`) as { version: string };
  return { file: path.join(directory, `linux_${architecture}`, 'koffi.node'), version };
}
