export {
  ARCHITECTURES,
  architecturesFrom,
  debianName,
  executablePath,
  isThisMachine,
  thisArchitecture,
} from './architecture.ts';
export { koffiBesideBundle } from './koffi-beside-bundle.ts';
export { koffiFor } from './koffi-for.ts';
export { makeExecutable, NODE_FLAGS } from './make-executable.ts';
export { nodeFor } from './node-for.ts';
export { reportExecutable } from './report-executable.ts';
export { zodInEnglish } from './zod-in-english.ts';

export type { Architecture } from './architecture.ts';
